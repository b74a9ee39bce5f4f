select
    unit_id,
    unit_name,
    division_code,
    division_code_system,
    province,
    city,
    county,
    level,
    resolution_grade,
    report_year,
    scope,
    form,
    cell,
    section,
    row_code,
    column_code,
    value,
    edited_value,
    as_published,
    status,
    report_id
from {{ ref('report_cells') }}
where
    official
    and is_current
    and resolution = 'resolved'
    and report_year is not null
    and scope is not null
