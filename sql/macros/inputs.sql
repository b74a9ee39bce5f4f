{# The Parquet that SQL starts from. Absolute paths; every folder holds a file without rows, so no
   glob is empty. `prepared` is what tasks/warehouse.py writes beside the database being built. #}
{% macro archive(pattern) -%}
  '{{ env_var('GONGKAI_WAREHOUSE_ROOT') }}/{{ pattern }}'
{%- endmacro %}

{% macro prepared(name) -%}
  '{{ env_var('GONGKAI_PREPARED') }}/{{ name }}.parquet'
{%- endmacro %}

{# The prepared folder's zero-row file comes first: it fixes every column and its type. #}
{% macro readings_parquet() -%}
  read_parquet([{{ prepared('schema_reports') }}, {{ archive('reports/*.parquet') }}],
               union_by_name = true, filename = true, file_row_number = true)
{%- endmacro %}
