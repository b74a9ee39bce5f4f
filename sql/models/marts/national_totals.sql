{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key=['area_id', 'report_year', 'series'],
    pre_hook=["{{ tell_touched_bounds() }}", "{{ forget('totals', '(area_id, report_year)') }}"]
) }}
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

{% if is_incremental() -%}
-- An area's bound hangs on the one above it: where that is made anew, and there is a bound or was one,
-- those below that have none of their own are made anew too.
bounded_before as (
    select area_id, report_year, series from {{ touched('bounds') }}
    union all
    select area_id, report_year, series from {{ this }} where level < 3 and upper_bound is not null
),

{% endif -%}
upper_0 as (
    select *, own_upper as upper_bound
    from totals
    where level = 0 {{- only_touched('totals', '(area_id, report_year)') }}
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
    {%- if is_incremental() %}
    left join bounded_before as before
        on before.area_id = above.area_id and before.report_year = above.report_year and before.series = above.series
    {%- endif %}
    where here.level = {{ level }}
    {%- if is_incremental() %}
        and (
            (here.area_id, here.report_year) in {{ touched('totals') }}
            or here.own_upper is null and not here.is_signed
            and (above.upper_bound is not null or before.area_id is not null)
        )
    {%- endif %}
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
