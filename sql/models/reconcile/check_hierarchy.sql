-- A whole-area report against the units of the area, each once: its own units' reports and the totals
-- of the areas directly below. Numbers are not negative, so a sum that exceeds the area is violated
-- whoever is missing. A smaller one cannot be told: who belongs to an area is not completely known.
-- It holds when every expected unit is there and tells the number, and the two agree. Where no unit speaks there is no row.
{%- set totals = [
    'requests.new_received.total', 'requests.carried_in.total', 'requests.total_handled.total', 'requests.carried_out.total',
    'review_litigation.reconsideration.total', 'review_litigation.litigation_direct.total',
    'review_litigation.litigation_after_review.total'
] %}
with reported as (
    select area_id, report_year, report_id
    from {{ ref('total_reports') }}
    where role = 'area'
),

compared as (
    select
        reported.report_id,
        totals.series,
        totals.units_sum,
        totals.area_value,
        totals.reporting,
        totals.units_blank,
        totals.expected
    from reported
    inner join {{ ref('area_totals') }} as totals using (area_id, report_year)
    where totals.series in ('{{ totals | join("', '") }}')
)

select
    report_id,
    'hierarchy' as rule,
    'hierarchy.' || series as identity,
    [series] as cells,
    units_sum as expected,
    area_value as found,
    reporting as units,
    units_blank,
    expected as units_expected,
    case when units_sum > area_value then 'violated' else 'cannot_tell' end as verdict
from compared
where units_sum is not null and not coalesce(units_sum = area_value and reporting = expected and units_blank = 0, false)
