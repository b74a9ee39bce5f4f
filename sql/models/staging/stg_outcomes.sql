with outcomes as (
    select *, false as is_problem
    from read_parquet({{ archive('runs/**/*outcomes.parquet') }}, union_by_name = true)
    union all by name
    select *, true as is_problem
    from read_parquet({{ archive('runs/**/*problems.parquet') }}, union_by_name = true)
)

select
    outcomes.run_id,
    coalesce(document_id, url) as document_id,
    url,
    outcome,
    stage,
    code,
    message,
    place,
    snapshot_id,
    duplicate_of,
    is_problem,
    runs.started_at,
    runs.finished_at
from outcomes
inner join {{ ref('stg_runs') }} as runs on runs.run_id = outcomes.run_id
