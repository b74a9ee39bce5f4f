{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where report_year not in (select report_year from {{ ref('total_reports') }}){% endif %}"
) }}
-- Each division in each year that totals are given for, in the version of that year (else the nearest).
with years as (
    select distinct report_year
    from {{ ref('total_reports') }}
    {%- if is_incremental() %}
    where report_year not in (select report_year from {{ this }})
    {%- endif %}
),

divisions as (
    select *, coalesce(valid_from, 0) as from_year, coalesce(valid_to, 9998) as to_year
    from {{ ref('stg_divisions') }}
)

select
    years.report_year,
    divisions.division_id,
    divisions.version,
    divisions.level,
    divisions.name,
    coalesce(divisions.parent_id, 'CN') as parent_id,
    coalesce(code_nbs, code_mca) as division_code,
    -- 台湾, 香港 and 澳门 are not under the regulation.
    kind = 'formal' and years.report_year between from_year and to_year
    and substr(coalesce(code_nbs, code_mca), 1, 2) not in ('71', '81', '82') as is_expected
from divisions
cross join years
{{ version_of_year('divisions.division_id', 'years.report_year', 'version') }}
