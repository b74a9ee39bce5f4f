-- The areas that totals are given for: the country, and each division down to the counties, in every
-- report year, in the version of that year (else the nearest); and how many units are expected in it
-- by itself: its government, its departments that have ever reported up to that year, and the
-- governments of the townships directly below.
with years as (
    select distinct report_year from {{ ref('total_reports') }}
),

divisions as (
    select *, coalesce(valid_from, 0) as from_year, coalesce(valid_to, 9998) as to_year
    from {{ ref('stg_divisions') }}
),

dated as (
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
),

townships as (
    select report_year, parent_id as area_id, count(*) as townships
    from dated
    where level = 4 and is_expected
    group by all
),

departments as (
    select area_id, years.report_year, count(distinct unit_id) as departments
    from {{ ref('total_reports') }} as reports
    inner join years on years.report_year >= reports.report_year
    where role = 'own' and not is_government
    group by all
),

-- A unit of a kind that the registry does not expect (a zone, a former township) that reported.
others as (
    select reports.area_id, reports.report_year, count(distinct reports.unit_id) as others
    from {{ ref('total_reports') }} as reports
    left join dated
        on dated.division_id = reports.division_id and dated.report_year = reports.report_year and dated.is_expected
    where role = 'own' and is_government and dated.division_id is null
    group by all
),

areas as (
    select report_year, division_id as area_id, version, level, name, parent_id, division_code, is_expected
    from dated
    where level <= 3
    union all
    select report_year, 'CN', null, 0, '全国', null, null, false
    from years
)

select
    areas.*,
    areas.is_expected::int
    + coalesce(townships, 0) + coalesce(departments, 0) + coalesce(others, 0) as own_expected
from areas
left join townships using (area_id, report_year)
left join departments using (area_id, report_year)
left join others using (area_id, report_year)
