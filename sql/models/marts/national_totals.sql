-- Bounds. What is missing is not negative, so the value is a lower bound; signed changes have none.
-- Where every expected unit is covered and nothing is blank, the value is the upper bound too;
-- elsewhere an area can be no more than a report for an area above it leaves: that report's value less
-- what is known of the rest of it. A report that is less than the sum below it bounds nothing.
-- In no order: to sort millions of rows with their names takes more memory than a publish may have.
with totals as not materialized (
    select
        *,
        case when not is_signed or is_complete then value end as lower_bound,
        case when is_complete then value end as own_upper
    from {{ ref('area_totals') }}
),

upper_0 as (
    select *, own_upper as upper_bound from totals where level = 0
),

{% for level in [1, 2, 3] -%}
upper_{{ level }} as (
    select
        here.*,
        coalesce(
            here.own_upper,
            case
                when not here.is_signed and above.upper_bound >= above.units_sum
                    then above.upper_bound - above.units_sum + here.value
            end
        ) as upper_bound
    from totals as here
    left join (
        {%- for higher in range(level) %}
        select area_id, report_year, series, units_sum, upper_bound from upper_{{ higher }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as above
        on above.area_id = here.parent_id and above.report_year = here.report_year and above.series = here.series
    where here.level = {{ level }}
),

{% endfor -%}
bounded as (
    {%- for level in range(4) %}
    select * from upper_{{ level }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select
    bounded.area_id,
    areas.name as area_name,
    areas.division_code,
    places.province,
    places.city,
    places.county,
    bounded.level,
    bounded.report_year,
    bounded.series,
    case when bounded.area_value is not null then 'area_report' else 'units' end as method,
    bounded.value,
    bounded.lower_bound,
    bounded.upper_bound,
    bounded.expected as units_expected,
    bounded.covered as units_covered,
    round(bounded.covered / nullif(bounded.expected, 0), 4) as share_covered,
    bounded.counted as reports_counted,
    bounded.blanks as reports_blank
from bounded
inner join {{ ref('total_areas') }} as areas using (area_id, report_year)
left join {{ ref('division_places') }} as places
    on places.division_id = areas.area_id and places.version = areas.version
