{# The Parquet that SQL starts from. Absolute paths; every folder holds a file without rows, so no
   glob is empty. `prepared` is what tasks/warehouse.py writes beside the database being built. #}
{% macro archive(pattern) -%}
  '{{ env_var('GONGKAI_WAREHOUSE_ROOT') }}/{{ pattern }}'
{%- endmacro %}

{% macro prepared(name) -%}
  '{{ env_var('GONGKAI_PREPARED') }}/{{ name }}.parquet'
{%- endmacro %}

{# The readings, each once: `repeats` are the rows that a killed run left a second time (a row number
   of a file; nearly always none). The prepared folder's zero-row file comes first: it fixes every
   column and its type. #}
{% macro readings_parquet() -%}
  {%- set files = [archive('reports/*.parquet')] %}
  {%- if is_incremental() %}
  {%- set files = run_query("select chr(39) || replace(filename, chr(39), chr(39) || chr(39)) || chr(39) from " ~ touched('files')).columns[0].values() %}
  {%- endif %}
  (
    select *
    from read_parquet([{{ prepared('schema_reports') }}{% for file in files %}, {{ file }}{% endfor %}],
                      union_by_name = true, filename = true, file_row_number = true) as parts
    {%- if is_incremental() %}
    semi join {{ touched('readings') }} as touched using (report_id)
    {%- endif %}
    anti join read_parquet({{ prepared('repeats') }}) as repeats using (filename, file_row_number)
  )
{%- endmacro %}
