-- The areas that totals are given for: the country, and each division down to the counties, in every
-- report year, in the version of that year (else the nearest); and how many units are expected in it
-- by itself: its government, its departments that have ever reported up to that year, and the
-- governments of the townships directly below.
with years as (
    select distinct report_year from {{ ref('total_reports') }}
),

dated as (
    select * from {{ ref('division_years') }}
),

townships as (
    select report_year, parent_id as area_id, count(*) as townships
    from dated
    where level = 4 and is_expected
    group by all
),

first_reports as (
    select area_id, unit_id, min(report_year) as first_year
    from {{ ref('total_reports') }}
    where role = 'own' and not is_government
    group by all
),

departments as (
    select area_id, years.report_year, count(*) as departments
    from first_reports
    inner join years on years.report_year >= first_reports.first_year
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
