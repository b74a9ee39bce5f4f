select
    reports.unit_id,
    units.unit_name,
    units.division_code,
    units.division_code_system,
    units.province,
    units.city,
    units.county,
    units.level,
    reports.resolution,
    reports.resolution_grade,
    reports.issuing_unit,
    reports.report_year,
    reports.scope,
    cells.form,
    cells.cell,
    form.section,
    form.row_code,
    form.column_code,
    cells.value,
    coalesce(repairs.value, cells.value) as edited_value,
    cells.as_published,
    cells.status,
    cells.place,
    cells.forced_by,
    reports.official,
    reports.is_current,
    cells.position,
    cells.report_id
from {{ long_cells() }} as cells
inner join {{ ref('reports') }} as reports using (report_id)
inner join {{ ref('statutory_form') }} as form on form.form = cells.form and form.cell = cells.cell
left join {{ ref('unit_years') }} as units
    on units.unit_id = reports.unit_id and units.report_year = reports.report_year
left join {{ ref('repairs') }} as repairs
    on repairs.report_id = cells.report_id and repairs.cell = cells.cell and repairs.status in ('proposed', 'corrected')
