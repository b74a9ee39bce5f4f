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

{# The same for a data test: what was not touched was tested when it was built. #}
{% macro test_only_touched(set, column='report_id') -%}
  {%- if env_var('GONGKAI_INCREMENT', '') == '1' %} {{ column }} in {{ touched(set) }} {%- else %} true {%- endif -%}
{%- endmacro %}

{% macro forget(set, column='report_id') -%}
  {%- if is_incremental() %}delete from {{ this }} where {{ column }} in {{ touched(set) }}{% endif -%}
{%- endmacro %}

{# The areas and years in which a touched report counts, or counted before. #}
{% macro touched_areas() -%}
  (
    select (area_id, report_year) from {{ touched('areas') }}
    union
    select (area_id, report_year) from {{ ref('total_reports') }} where report_id in {{ touched('reports') }}
  )
{%- endmacro %}
