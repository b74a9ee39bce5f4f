{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{{ forget('areas', '(area_id, report_year)') }}"
) }}
{#- What the units of an area say for themselves, and what its whole-area report says. Reports are
    added while they are one row each; only the sums of an area are turned into rows. -#}
-- depends_on: {{ ref('statutory_form') }}
{%- set series = total_series() %}
with own as (
    select
        total_reports.area_id,
        total_reports.report_year,
        count(*) as reports,
        {%- for s in series %}
        sum({{ series_known(s) }})::decimal(18, 4) as "known {{ s.series }}",
        count({{ series_told(s) }}) as "told {{ s.series }}"{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('total_reports') }} as total_reports
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
    where role = 'own'{{ only_touched('areas', '(total_reports.area_id, total_reports.report_year)') }}
    group by all
),

area as (  -- one report for each area and year
    select
        total_reports.area_id,
        total_reports.report_year,
        {%- for s in series %}
        {{ series_told(s) }} as "area {{ s.series }}"{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('total_reports') }} as total_reports
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
    where role = 'area'{{ only_touched('areas', '(total_reports.area_id, total_reports.report_year)') }}
)

select
    area_id,
    report_year,
    coalesce(reports, 0) as reports,
    unnest([{% for s in series %}'{{ s.series }}'{{ ", " if not loop.last }}{% endfor %}]) as series,
    unnest([{% for s in series %}{{ s.signed }}{{ ", " if not loop.last }}{% endfor %}]) as is_signed,
    unnest([{% for s in series %}"known {{ s.series }}"{{ ", " if not loop.last }}{% endfor %}]) as known,
    unnest([{% for s in series %}coalesce("told {{ s.series }}", 0){{ ", " if not loop.last }}{% endfor %}]) as told,
    unnest([{% for s in series %}"area {{ s.series }}"{{ ", " if not loop.last }}{% endfor %}]) as area_value
from own
full join area using (area_id, report_year)
