{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('runs', 'run_id') }}") }}
with outcomes as (
    select *, false as is_problem
    from {{ accounts_parquet('outcomes') }}
    union all by name
    select *, true as is_problem
    from {{ accounts_parquet('problems') }}
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
