with discovered as (
    select run_id, count(*) as discovered
    from {{ ref('stg_discovered') }}
    group by run_id
),

outcomes as (
    select
        run_id,
        count(*) filter (where outcome = 'parsed') as parsed,
        count(*) filter (where outcome = 'rejected') as rejected,
        count(*) filter (where outcome = 'duplicate') as duplicate,
        count(*) filter (where outcome = 'unchanged') as unchanged,
        count(*) filter (where outcome = 'quarantined') as quarantined,
        count(*) filter (where outcome = 'skipped') as skipped,
        count(*) filter (where outcome = 'failed') as failed
    from {{ ref('stg_outcomes') }}
    where not is_problem
    group by run_id
)

select
    runs.run_id,
    runs.kind,
    runs.started_at,
    runs.finished_at,
    runs.demo,
    runs.parser_version,
    {%- for name in ['discovered', 'parsed', 'rejected', 'duplicate', 'unchanged', 'quarantined', 'skipped', 'failed'] %}
    -- of a night that was folded the rows say less than its sums (tasks/fold.py)
    case when runs.folded then runs.{{ name }} else coalesce({{ 'discovered' if name == 'discovered' else 'outcomes' }}.{{ name }}, 0) end as {{ name }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ ref('stg_runs') }} as runs
left join discovered using (run_id)
left join outcomes using (run_id)
order by runs.started_at, runs.run_id
