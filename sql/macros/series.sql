{# The series that roll up, as `measures` names them: [{series, signed, cells: {form: [cells]}}]. Those
   whose cells only one form has are unknown on reports of the other. #}
{% macro total_series() %}
  {% if not execute %}{{ return([]) }}{% endif %}
  {% set rows = run_query(
    "select form, cell, " ~ series_of('row_code', 'column_code', 'cell') ~ " as series, unit"
    ~ " from read_csv(" ~ seed_file('statutory_form') ~ ", all_varchar = true, header = true)"
    ~ " order by form, position::int") %}
  {% set found = {} %}
  {% for form, cell, series, unit in rows %}
    {% set one = found.setdefault(series, {'series': series, 'signed': unit == 'signed_count', 'cells': {}}) %}
    {% do one.cells.setdefault(form, []).append(cell) %}
  {% endfor %}
  {{ return(found.values() | list) }}
{% endmacro %}

{# 其他处理 is one row on the 2019 form and three on the 2021 form; they add up to one series. #}
{% macro series_of(row_code, column_code, cell) -%}
  case
    when {{ row_code }} in ('other_handling', 'other_no_correction', 'other_unpaid_fee', 'other_other')
      then 'requests.other_handling.' || {{ column_code }}
    else {{ cell }}
  end
{%- endmacro %}

{# What a report (`report_values`) tells of a series: null where it does not tell it completely, or
   the sum of what it does tell. One cell on either form, but where a form has rows of its own. #}
{% macro series_told(s) -%}
  {{ series_value(s, sum_all) }}
{%- endmacro %}

{% macro series_known(s) -%}
  {{ series_value(s, sum_known) }}
{%- endmacro %}

{% macro series_value(s, sum_of) -%}
  {%- if '2021' in s.cells and s.cells['2021'] | length > 1 -%}
  case report_values.form when '2019' then "{{ s.cells['2019'][0] }}" else {{ sum_of(s.cells['2021']) }} end
  {%- else -%}
  "{{ s.series }}"
  {%- endif -%}
{%- endmacro %}
