{{ config(materialized='view') }}
-- depends_on: {{ ref('statutory_form') }}
{{ long_table([
    'unit_id', 'unit_name', 'division_code', 'division_code_system', 'province',
    'city', 'county', 'level', 'resolution_grade', 'report_year',
    'scope', 'form', 'cell', 'section', 'row_code',
    'column_code', 'value', 'edited_value', 'as_published', 'status',
    'report_id'
], facts=true) }}
