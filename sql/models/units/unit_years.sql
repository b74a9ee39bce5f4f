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
{{ version_of_year('years.unit_id', 'years.report_year', 'dated.version') }}
