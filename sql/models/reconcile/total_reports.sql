{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{{ forget('reports') }}", post_hook="{{ tell_touched_areas() }}"
) }}
-- Which reports count in totals, one for each unit and year, and where.
--   area: the whole-area report of a division down to the county: its government's, else its office's;
--   own:  what a unit says for itself. A government and its office are one unit here. A township's
--         whole-area report is its own. A department's whole-area report counts in nothing: it takes
--         in departments of other divisions.
with candidates as (
    select
        reports.report_id,
        reports.report_year,
        reports.scope,
        units.division_id,
        units.level,
        units.parent_division_id,
        units.organ in ('gov', 'gov_office') as is_government,
        case
            when units.organ = 'gov_office' then substr(sha256(units.division_id || '|gov'), 1, 16)
            else reports.unit_id
        end as unit_id,
        units.organ
    from {{ ref('reports') }} as reports
    inner join {{ ref('unit_years') }} as units
        on units.unit_id = reports.unit_id and units.report_year = reports.report_year
    where
        reports.is_current
        and reports.official
        and reports.resolution = 'resolved'
        and reports.scope is not null
        {{- only_touched('reports') }}
),

placed as (
    select
        *,
        case when scope = 'area' and level <= 3 then 'area' else 'own' end as role,
        case when level <= 3 then division_id else parent_division_id end as area_id
    from candidates
    where scope = 'own' or is_government
)

select report_id, report_year, area_id, division_id, unit_id, is_government, role
from placed
qualify row_number() over (
    partition by unit_id, report_year, role
    order by scope = 'area' desc, organ, report_id
) = 1
