{{ config(post_hook="{{ tell_touched_totals() }}") }}
-- How many units there are in an area and below it, and whether somebody reports for all of it.
with counted as (
    select
        area_id,
        report_year,
        bool_or(role = 'area') as has_area_report
    from {{ ref('total_reports') }}
    group by all
),

areas as (
    select
        total_areas.area_id,
        total_areas.report_year,
        total_areas.level,
        total_areas.parent_id,
        parents.level as parent_level,
        total_areas.own_expected,
        coalesce(has_area_report, false) as has_area_report
    from {{ ref('total_areas') }} as total_areas
    left join {{ ref('total_areas') }} as parents
        on parents.area_id = total_areas.parent_id and parents.report_year = total_areas.report_year
    left join counted
        on counted.area_id = total_areas.area_id and counted.report_year = total_areas.report_year
),

{% for level in [3, 2, 1, 0] -%}
units_{{ level }} as (
    select
        areas.*,
        own_expected + coalesce(below.expected, 0) as expected
    from areas
    left join (
        {%- if level == 3 %}
        select null::varchar as area_id, null::int as report_year, 0 as expected
        where false
        {%- else %}
        select parent_id as area_id, report_year, sum(expected)::int as expected
        from (
            {%- for lower in range(3, level, -1) %}
            select parent_id, report_year, expected from units_{{ lower }} where parent_level = {{ level }}
            {{ "union all" if not loop.last }}
            {%- endfor %}
        )
        group by all
        {%- endif %}
    ) as below using (area_id, report_year)
    where areas.level = {{ level }}
){{ "," if not loop.last }}

{% endfor -%}

{%- for level in [0, 1, 2, 3] %}
select * exclude (own_expected)
from units_{{ level }}
{{ "union all" if not loop.last }}
{%- endfor %}
