{# The public long tables: every cell of every report as a row, made when it is asked for. At rest are
   only the wide rows (200 times fewer). Names without the database: a copy of the file may have any
   name. What is computed from a cell is computed outside, for the rows and columns that are asked for. #}
{% macro long_table(columns, facts) -%}
{%- set labels = ref('report_labels').include(database=false) %}
{%- set wide = ref('stg_report_values').include(database=false) %}
select
    {%- for c in columns %}
    {% if c == 'section' %}split_part(cell, '.', 1) as section
    {%- elif c == 'row_code' %}split_part(cell, '.', 2) as row_code
    {%- elif c == 'column_code' %}split_part(cell, '.', 3) as column_code
    {%- elif c == 'edited_value' %}coalesce(edits[cell], value) as edited_value
    {%- else %}{{ c }}{% endif %}{{ "," if not loop.last }}
    {%- endfor %}
from (
    {%- for form in ['2019', '2021'] %}
    {%- set cells = form_cells(form) %}
    select
        labels.*,
        report_values.form,
        unnest(['{{ cells | join("', '") }}']) as cell,
        {%- if 'position' in columns %}
        unnest(range(1, {{ cells | length + 1 }}))::smallint as "position",
        {%- endif %}
        {%- for c in ['as_published', 'status', 'place', 'forced_by'] if c in columns %}
        unnest(report_values.{{ c }}) as {{ c }},
        {%- endfor %}
        unnest([{% for c in cells %}report_values."{{ c }}"{{ ", " if not loop.last }}{% endfor %}]) as value
    from {{ wide }} as report_values
    inner join {{ labels }} as labels using (report_id)
    where report_values.form = '{{ form }}'{% if facts %} and labels.is_fact{% endif %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
) as cells
{%- endmacro %}
