{#- From the counties up: an area is its whole-area report, else its own units and the areas directly
    below it, each by the same rule. So every unit counts once. -#}
with areas as (
    select
        total_areas.*,
        coalesce(own.reports, 0) as own_reports,
        area.reports is not null as has_area_report
    from {{ ref('total_areas') }} as total_areas
    left join (select distinct area_id, report_year, reports from {{ ref('total_own') }} where role = 'own') as own
        using (area_id, report_year)
    left join (select distinct area_id, report_year, reports from {{ ref('total_own') }} where role = 'area') as area
        using (area_id, report_year)
),

{% for level in [3, 2, 1, 0] -%}
-- How many units there are, and for how many somebody speaks.
units_{{ level }} as (
    select
        areas.area_id,
        areas.report_year,
        areas.parent_id,
        areas.has_area_report,
        own_expected + coalesce(below.expected, 0) as expected,
        own_reports + coalesce(below.covered, 0) as reporting,
        case
            when has_area_report then own_expected + coalesce(below.expected, 0)
            else own_reports + coalesce(below.covered, 0)
        end as covered
    from areas
    left join (
        {%- if level == 3 %}
        select null::varchar as area_id, null::int as report_year, 0 as expected, 0 as covered
        where false
        {%- else %}
        select parent_id as area_id, report_year, sum(expected)::int as expected, sum(covered)::int as covered
        from (
            {%- for lower in range(3, level, -1) %}
            select parent_id, report_year, expected, covered from units_{{ lower }}
            {{ "union all" if not loop.last }}
            {%- endfor %}
        )
        group by all
        {%- endif %}
    ) as below using (area_id, report_year)
    where areas.level = {{ level }}
),

values_{{ level }} as (
    select
        units.parent_id,
        summed.area_id,
        summed.report_year,
        summed.series,
        summed.is_signed,
        summed.units_sum,
        summed.area_value,
        coalesce(summed.area_value, summed.units_sum) as value,
        case
            when summed.area_value is not null then 0
            else summed.blanks + units.has_area_report::int
        end as blanks,
        case
            when summed.area_value is not null then 1
            else summed.counted + units.has_area_report::int
        end as counted
    from (
        select
            area_id,
            report_year,
            series,
            bool_or(is_signed) as is_signed,
            sum(known) filter (where role <> 'area') as units_sum,
            any_value(known) filter (where role = 'area' and told = 1) as area_value,
            coalesce(sum(blanks) filter (where role <> 'area'), 0)::int as blanks,
            coalesce(sum(counted) filter (where role <> 'area'), 0)::int as counted
        from (
            select area_id, report_year, role, series, is_signed, known, told, reports - told as blanks, reports as counted
            from {{ ref('total_own') }}
            where area_id in (select area_id from areas where level = {{ level }})
            {%- for lower in range(3, level, -1) %}
            union all
            select parent_id, report_year, 'below', series, is_signed, value, null, blanks, counted
            from values_{{ lower }}
            where parent_id in (select area_id from areas where level = {{ level }})
            {%- endfor %}
        )
        group by all
    ) as summed
    inner join units_{{ level }} as units using (area_id, report_year)
){{ "," if not loop.last }}

{% endfor -%}

{%- for level in [0, 1, 2, 3] %}
select
    {{ level }} as level,
    values_{{ level }}.*,
    units.expected,
    units.covered,
    units.reporting,
    units.has_area_report,
    units.covered = units.expected and values_{{ level }}.blanks = 0 as is_complete
from values_{{ level }}
inner join units_{{ level }} as units using (area_id, report_year)
where value is not null
{{ "union all" if not loop.last }}
{%- endfor %}
