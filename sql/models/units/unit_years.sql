{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('units', 'unit_id') }}") }}
-- The version of each unit that holds for each report year: in force that year, else in the year
-- after (when the report was written), else the nearest. Exactly one row per unit and year.
with years as (
    select distinct unit_id, report_year
    from {{ ref('stg_resolutions') }}
    where unit_id is not null and report_year is not null {{- only_touched('units', 'unit_id') }}
),

dated as (
    select
        *,
        coalesce(valid_from, 0) as from_year,
        coalesce(valid_to, 9998) as to_year
    from {{ ref('units') }}
)

select
    years.report_year,
    dated.* exclude (from_year, to_year),
    coalesce(code_nbs, code_mca) as division_code,
    case when code_nbs is not null then 'nbs' when code_mca is not null then 'mca' end as division_code_system
from years
inner join dated using (unit_id)
qualify row_number() over (
    partition by years.unit_id, years.report_year
    order by
        case
            when years.report_year between from_year and to_year then 0
            when years.report_year + 1 between from_year and to_year then 1
            else 2
        end,
        least(abs(years.report_year - from_year), abs(years.report_year - to_year)),
        dated.version desc
) = 1
