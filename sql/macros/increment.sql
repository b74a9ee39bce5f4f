{# Incremental models. tasks/increment.py says which rows are touched; a model that is built upon
   takes them out (`forget`, its pre-hook) and puts in those that there are now. What such a model
   reads is narrowed by the same set, and its rows depend on nothing outside it. #}
{% macro touched(set) -%}
  (from read_parquet({{ prepared('touched_' ~ set) }}))
{%- endmacro %}

{# A filter of the rows of a model: only those of touched readings, reports or units; of a full rebuild
   nothing. `word` is what stands before it: and, or where. #}
{% macro only_touched(set, column='report_id', word='and') -%}
  {%- if is_incremental() %} {{ word }} {{ column }} in {{ touched(set) }}{% endif -%}
{%- endmacro %}

{# A table of readings or reports, or in an increment only its touched rows, before anything is joined
   to them or computed of them. By row numbers: touched readings were just put in, at the end, and
   DuckDB passes over the blocks before, which a test of report_id (a hash, in no order) cannot. #}
{% macro touched_rows(relation, set) -%}
  {%- if is_incremental() -%}
  (from {{ relation }} where rowid in (select rowid from {{ relation }} where report_id in {{ touched(set) }}))
  {%- else -%}
  {{ relation }}
  {%- endif -%}
{%- endmacro %}

{# The same for a data test: what was not touched was tested when it was built. #}
{% macro test_only_touched(set, column='report_id') -%}
  {%- if env_var('GONGKAI_INCREMENT', '') == '1' %} {{ column }} in {{ touched(set) }} {%- else %} true {%- endif -%}
{%- endmacro %}

{% macro forget(set, column='report_id') -%}
  {%- if is_incremental() %}delete from {{ this }} where {{ column }} in {{ touched(set) }}{% endif -%}
{%- endmacro %}

{# Totals: a model that is done tells which of the next ones' rows are touched, by comparing with what
   the published generation had. Areas and years in which other reports count now, or read again. #}
{% macro tell_touched_areas() -%}
  {%- set now = "(from " ~ this ~ " where report_id in " ~ touched('reports') ~ ")" %}
  {%- set before = "(from read_parquet(" ~ prepared('before_total_reports') ~ "))" %}
  {{ tell('areas', "
    select distinct area_id, report_year
    from (
      (from " ~ now ~ " except from " ~ before ~ ")
      union all
      (from " ~ before ~ " except from " ~ now ~ ")
      union all
      from " ~ now ~ " where report_id in " ~ touched('readings') ~ "
    )") }}
{%- endmacro %}

{# These, those that have other units now, and the areas above them. #}
{% macro tell_touched_totals() -%}
  {%- set before = "(from read_parquet(" ~ prepared('before_total_units') ~ "))" %}
  {{ tell('totals', "
    with recursive up as (
      from " ~ touched('areas') ~ "
      union
      select area_id, report_year
      from (
        (from " ~ this ~ " except from " ~ before ~ ")
        union all
        (from " ~ before ~ " except from " ~ this ~ ")
      )
      union
      select areas.parent_id, areas.report_year
      from up
      inner join " ~ this ~ " as areas using (area_id, report_year)
      where areas.parent_id is not null
    )
    from up") }}
{%- endmacro %}

{# Which of the touched totals have a bound, before they are made anew. #}
{% macro tell_touched_bounds() -%}
  {{ tell('bounds', "
    select area_id, report_year, series from " ~ this ~ "
    where level < 3 and upper_bound is not null and (area_id, report_year) in " ~ touched('totals')) }}
{%- endmacro %}

{% macro tell(set, sql) -%}
  {%- if env_var('GONGKAI_INCREMENT', '') == '1' -%}
  copy ({{ sql }}) to {{ prepared('touched_' ~ set) }} (format parquet)
  {%- endif -%}
{%- endmacro %}
