{#- What the units of an area say for themselves, and what its whole-area report says. Reports are
    added while they are one row each; only the sums of an area are turned into rows. -#}
-- depends_on: {{ ref('statutory_form') }}
{%- set series = total_series() %}
with counted as (
    select
        total_reports.area_id,
        total_reports.report_year,
        total_reports.role,
        {%- for s in series %}
        {%- if '2021' in s.cells and s.cells['2021'] | length > 1 %}
        case report_values.form
            when '2019' then "{{ s.cells['2019'][0] }}"
            else {{ sum_all(s.cells['2021']) }}
        end as "{{ s.series }}",
        case report_values.form
            when '2019' then "{{ s.cells['2019'][0] }}"
            else {{ sum_known(s.cells['2021']) }}
        end as "known {{ s.series }}"
        {%- else %}
        "{{ s.series }}",
        "{{ s.series }}" as "known {{ s.series }}"
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('total_reports') }} as total_reports
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
),

sums as (
    select
        area_id,
        report_year,
        count(*) filter (role = 'own') as reports,
        {%- for s in series %}
        sum("known {{ s.series }}") filter (role = 'own')::decimal(18, 4) as "known {{ s.series }}",
        count("{{ s.series }}") filter (role = 'own') as "told {{ s.series }}",
        any_value("{{ s.series }}") filter (role = 'area') as "area {{ s.series }}"{{ "," if not loop.last }}
        {%- endfor %}
    from counted
    group by all
)

select
    area_id,
    report_year,
    reports,
    unnest([{% for s in series %}'{{ s.series }}'{{ ", " if not loop.last }}{% endfor %}]) as series,
    unnest([{% for s in series %}{{ s.signed }}{{ ", " if not loop.last }}{% endfor %}]) as is_signed,
    unnest([{% for s in series %}"known {{ s.series }}"{{ ", " if not loop.last }}{% endfor %}]) as known,
    unnest([{% for s in series %}"told {{ s.series }}"{{ ", " if not loop.last }}{% endfor %}]) as told,
    unnest([{% for s in series %}"area {{ s.series }}"{{ ", " if not loop.last }}{% endfor %}]) as area_value
from sums
