{{ config(materialized='view') }}
-- depends_on: {{ ref('statutory_form') }}
{{ long_table([
    'unit_id', 'unit_name', 'division_code', 'division_code_system', 'province',
    'city', 'county', 'level', 'resolution', 'resolution_grade',
    'issuing_unit', 'report_year', 'scope', 'form', 'cell',
    'section', 'row_code', 'column_code', 'value', 'edited_value',
    'as_published', 'status', 'place', 'forced_by', 'official',
    'is_current', 'position', 'report_id'
], facts=false) }}
