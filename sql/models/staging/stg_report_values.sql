-- depends_on: {{ ref('statutory_form') }}
{%- set columns = value_columns() %}
select
    readings.report_id,
    readings.form,
    readings.report_year,
    wide.as_published,
    wide.status,
    wide.place,
    wide.forced_by,
    {%- for c in columns %}
    wide."{{ c }}"{{ "," if not loop.last }}
    {%- endfor %}
from {{ readings_parquet() }} as wide
inner join {{ ref('stg_readings') }} as readings
    on wide.report_id = readings.report_id
    and wide.filename = readings.filename
    and wide.file_row_number = readings.file_row_number
where readings.outcome = 'parsed'
