{{ config(materialized='incremental', incremental_strategy='append') }}
-- `seen_at` orders the fetches: a fetch is later than those of the runs before its own, whatever the
-- clock said then (names of runs sort in true order). Imported rows are of the time that they name.
with fetches as (
    select * exclude (bytes, headers)
    from {{ fetches_parquet() }}
),

runs as (
    select run_id, max(fetched_at) as latest
    from (
        select run_id, fetched_at, origin from fetches
        {%- if is_incremental() %}
        union all
        select run_id, fetched_at, origin from {{ this }}
        {%- endif %}
    )
    where origin = 'fetched'
    group by run_id
),

floors as (
    select
        run_id,
        max(latest) over (order by run_id rows between unbounded preceding and 1 preceding) as floor_at
    from runs
)

select
    run_id,
    document_id,
    parent_document_id,
    source_id,
    url,
    final_url,
    origin,
    official,
    fetched_at,
    http_status,
    content_type,
    snapshot_id,
    size,
    link_title,
    link_date,
    error_code,
    error_message,
    case
        when origin = 'fetched' and floor_at is not null
            then greatest(fetched_at, floor_at + interval 1 microsecond)
        else fetched_at
    end as seen_at
from fetches
left join floors using (run_id)
