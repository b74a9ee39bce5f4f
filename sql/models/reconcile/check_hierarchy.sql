-- A whole-area report against the reports of the units in its area. Who belongs to an area is not
-- known completely, so a sum that stays below says nothing; one that exceeds the area is violated.
{%- set totals = [
    'requests.new_received.total', 'requests.carried_in.total', 'requests.total_handled.total', 'requests.carried_out.total',
    'review_litigation.reconsideration.total', 'review_litigation.litigation_direct.total',
    'review_litigation.litigation_after_review.total'
] %}
with current_values as (
    select
        reports.report_id,
        reports.report_year,
        reports.scope,
        units.division_id,
        {%- for cell in totals %}
        report_values."{{ cell }}"{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('reports') }} as reports
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
    inner join {{ ref('unit_years') }} as units
        on units.unit_id = reports.unit_id and units.report_year = reports.report_year
    where reports.is_current and reports.official and reports.resolution = 'resolved'
),

above as (
    select
        own.report_id,
        own.report_year,
        unnest(list_distinct([own.division_id, parent.division_id, grandparent.division_id, top.division_id])) as area_id
    from current_values as own
    left join {{ ref('division_now') }} as here on here.division_id = own.division_id
    left join {{ ref('division_now') }} as parent on parent.division_id = here.parent_id
    left join {{ ref('division_now') }} as grandparent on grandparent.division_id = parent.parent_id
    left join {{ ref('division_now') }} as top on top.division_id = grandparent.parent_id
    where own.scope = 'own'
),

sums as (
    select
        area.report_id,
        count(*) as units,
        {%- for cell in totals %}
        any_value(area."{{ cell }}") as "area {{ cell }}",
        sum(own."{{ cell }}") as "{{ cell }}"{{ "," if not loop.last }}
        {%- endfor %}
    from current_values as area
    inner join above on above.area_id = area.division_id and above.report_year = area.report_year
    inner join current_values as own on own.report_id = above.report_id
    where area.scope = 'area'
    group by area.report_id
),

checks as (
    select report_id, units, 'hierarchy' as rule, unnest([
        {%- for cell in totals %}
        {
            'identity': 'hierarchy.{{ cell }}', 'cells': ['{{ cell }}'],
            'expected': "{{ cell }}", 'found': "area {{ cell }}"
        }{{ "," if not loop.last }}
        {%- endfor %}
    ], recursive := true)
    from sums
)

select *, 'violated' as verdict
from checks
where expected > found
