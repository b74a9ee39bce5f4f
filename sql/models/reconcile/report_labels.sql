{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
-- What every cell of a report has in common: whose it is, which year, whether it is a fact. The long
-- tables `report_cells` and `national_fact` are views of this beside the wide rows.
with edits as (
    select report_id, map_from_entries(list((cell, value) order by cell)) as edits
    from {{ ref('repairs') }}
    where status in ('proposed', 'corrected') {{- only_touched('reports') }}
    group by report_id
)

select
    reports.report_id,
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
    reports.official,
    reports.is_current,
    edits.edits,
    reports.official
    and reports.is_current
    and reports.resolution = 'resolved'
    and reports.report_year is not null
    and reports.scope is not null as is_fact
from {{ touched_rows(ref('reports'), 'reports') }} as reports
left join (from {{ ref('unit_years') }} {{- only_touched('units', 'unit_id', word='where') }}) as units
    on units.unit_id = reports.unit_id and units.report_year = reports.report_year
left join edits on edits.report_id = reports.report_id
