{# The totals of the areas of one level: the area's report, else what its own units and the areas
   directly below (`lower`: the models of their levels) add up to. A level is a table of its own: with
   all in one query the counties' five million rows would be held in memory several times. #}
{% macro totals_of_level(level, lower=[]) -%}
{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{{ forget('totals', '(area_id, report_year)') }}"
) }}
with units as (
    select * exclude (level)
    from {{ ref('total_units') }}
    where level = {{ level }} {{- only_touched('totals', '(area_id, report_year)') }}
),

own as (
    select total_own.*
    from {{ ref('total_own') }} as total_own
    semi join units using (area_id, report_year)
),

{% if lower -%}
below as (
    select
        parent_id as area_id,
        report_year,
        series,
        bool_or(is_signed) as is_signed,
        sum(value) as value,
        sum(blanks)::int as blanks,
        sum(counted)::int as counted,
        sum(covered)::int as covered
    from (
        {%- for model in lower %}
        select parent_id, report_year, series, is_signed, value, blanks, counted, covered
        from {{ ref(model) }}
        where parent_level = {{ level }} {{- only_touched('totals', '(parent_id, report_year)') }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    )
    group by all
),

summed as (
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
        (coalesce(own.reports, 0) + coalesce(below.counted, 0))::int as counted,
        (coalesce(own.reports, 0) + coalesce(below.covered, 0))::int as reporting
    from own
    full join below using (area_id, report_year, series)
)
{%- else -%}
summed as (
    select
        area_id, report_year, series, is_signed, area_value, known as units_sum,
        (reports - told)::int as blanks, reports::int as counted, reports::int as reporting
    from own
)
{%- endif %}

select
    {{ level }} as level,
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
    -- An area's report that leaves the number blank speaks for nobody here.
    case when summed.area_value is not null then units.expected else summed.reporting end as covered,
    summed.reporting,
    summed.blanks as units_blank
from summed
inner join units using (area_id, report_year)
{%- endmacro %}
