{#- From the counties up: an area is its whole-area report, else its own units and the areas directly
    below it, each by the same rule. So every unit counts once. -#}
with counted as (
    select
        area_id,
        report_year,
        count(*) filter (role = 'own')::int as own_reports,
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
        coalesce(own_reports, 0) as own_reports,
        coalesce(has_area_report, false) as has_area_report
    from {{ ref('total_areas') }} as total_areas
    left join {{ ref('total_areas') }} as parents
        on parents.area_id = total_areas.parent_id and parents.report_year = total_areas.report_year
    left join counted
        on counted.area_id = total_areas.area_id and counted.report_year = total_areas.report_year
),

{% for level in [3, 2, 1, 0] -%}
-- How many units there are, and for how many somebody speaks.
units_{{ level }} as (
    select
        areas.*,
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
            select parent_id, report_year, expected, covered from units_{{ lower }} where parent_level = {{ level }}
            {{ "union all" if not loop.last }}
            {%- endfor %}
        )
        group by all
        {%- endif %}
    ) as below using (area_id, report_year)
    where areas.level = {{ level }}
),

{% if level < 3 -%}
below_{{ level }} as (
    select
        parent_id as area_id,
        report_year,
        series,
        bool_or(is_signed) as is_signed,
        sum(value) as value,
        sum(blanks)::int as blanks,
        sum(counted)::int as counted
    from (
        {%- for lower in range(3, level, -1) %}
        select parent_id, report_year, series, is_signed, value, blanks, counted
        from values_{{ lower }}
        where parent_level = {{ level }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    )
    group by all
),

{% endif -%}
values_{{ level }} as (
    select
        units.level,
        units.parent_id,
        units.parent_level,
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
        end as counted,
        units.expected,
        units.covered,
        units.reporting,
        units.has_area_report
    from (
        {%- if level == 3 %}
        select
            area_id, report_year, series, is_signed, area_value, known as units_sum,
            (reports - told)::int as blanks, reports::int as counted
        from {{ ref('total_own') }}
        {%- else %}
        select
            area_id,
            report_year,
            series,
            coalesce(own.is_signed, below.is_signed) as is_signed,
            own.area_value,
            case
                when own.known is not null or below.value is not null
                    then (coalesce(own.known, 0) + coalesce(below.value, 0))::decimal(18, 4)
            end as units_sum,
            (coalesce(own.reports - own.told, 0) + coalesce(below.blanks, 0))::int as blanks,
            (coalesce(own.reports, 0) + coalesce(below.counted, 0))::int as counted
        from {{ ref('total_own') }} as own
        full join below_{{ level }} as below using (area_id, report_year, series)
        {%- endif %}
    ) as summed
    inner join units_{{ level }} as units using (area_id, report_year)
){{ "," if not loop.last }}

{% endfor -%}

{%- for level in [0, 1, 2, 3] %}
select
    * exclude (parent_level),
    covered = expected and blanks = 0 as is_complete
from values_{{ level }}
where value is not null
{{ "union all" if not loop.last }}
{%- endfor %}
