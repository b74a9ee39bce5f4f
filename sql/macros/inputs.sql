{# The Parquet that SQL starts from. Absolute paths; every folder holds a file without rows, so no
   glob is empty. `prepared` is what tasks/publish.py writes beside the database being built. #}
{% macro archive(pattern) -%}
  '{{ env_var('GONGKAI_WAREHOUSE_ROOT') }}/{{ pattern }}'
{%- endmacro %}

{# The archive's fetches and readings, which may lie in an object store. #}
{% macro stored(pattern) -%}
  '{{ env_var('GONGKAI_STORED') }}/{{ pattern }}'
{%- endmacro %}

{% macro prepared(name) -%}
  '{{ env_var('GONGKAI_PREPARED') }}/{{ name }}.parquet'
{%- endmacro %}

{# The readings, each once: `repeats` are the rows that a killed run left a second time (a row number
   of a file; nearly always none). The prepared folder's zero-row file comes first: it fixes every
   column and its type. Parts in which an older reader lacked a column are matched by name; that holds
   every file's columns in memory at once (1 MB a file), so the others are not. #}
{% macro readings_parquet() -%}
  {%- if execute %}
  {%- set found = run_query("select is_older, chr(39) || replace(filename, chr(39), chr(39) || chr(39)) || chr(39) from read_parquet(" ~ prepared('parts') ~ ")").rows %}
  {%- else %}
  {%- set found = [] %}
  {%- endif %}
  (
    select *
    from (
    {%- for is_older in [false, true] if not is_older or true in found | map(attribute=0) %}
      {{ "union all by name" if is_older }}
      select *
      from read_parquet([{{ prepared('schema_reports') }}{% for older, file in found if older == is_older %}, {{ file }}{% endfor %}],
                        {{ "union_by_name = true, " if is_older }}filename = true, file_row_number = true)
    {%- endfor %}
    ) as parts
    {%- if is_incremental() %}
    semi join {{ touched('readings') }} as touched using (report_id)
    {%- endif %}
    anti join read_parquet({{ prepared('repeats') }}) as repeats using (filename, file_row_number)
  )
{%- endmacro %}

{# What a run leaves of one kind, and the archive's fetches: all, or in an increment the rows to put in:
   those of the touched runs, or of the new parts. #}
{% macro accounts_parquet(name) -%}
  {{ parquet_of(archive('runs/**/*' ~ name ~ '.parquet'), archive('runs/schema-' ~ name ~ '.parquet'), 'accounts', '/' ~ name ~ '.parquet') }}
{%- endmacro %}

{% macro fetches_parquet() -%}
  {{ parquet_of(stored('snapshots/*.parquet'), stored('snapshots/schema.parquet'), 'fetches', '') }}
{%- endmacro %}

{% macro parquet_of(every, schema, set, ending) -%}
  {%- if is_incremental() %}
  {%- set found = run_query("select chr(39) || replace(filename, chr(39), chr(39) || chr(39)) || chr(39) from " ~ touched(set) ~ " where ends_with(filename, '" ~ ending ~ "')").rows %}
  read_parquet([{{ schema }}{% for (file,) in found %}, {{ file }}{% endfor %}], union_by_name = true)
  {%- else %}
  read_parquet({{ every }}, union_by_name = true)
  {%- endif %}
{%- endmacro %}
