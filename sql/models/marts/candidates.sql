-- As the last finished run over each source saw its listing.
with seen as (
    select run_id, source_id from {{ ref('stg_candidates') }}
    union
    select run_id, source_id from {{ ref('stg_discovered') }}
),

newest as (
    select seen.source_id, arg_max(runs.run_id, (runs.started_at, runs.run_id)) as run_id
    from seen
    inner join {{ ref('stg_runs') }} as runs using (run_id)
    where runs.kind = 'nightly'
    group by seen.source_id
)

select
    candidates.source_id,
    candidates.url,
    candidates.link_title,
    candidates.link_date,
    candidates.reason,
    candidates.listing_url,
    runs.started_at as seen_at
from {{ ref('stg_candidates') }} as candidates
inner join newest using (source_id, run_id)
inner join {{ ref('stg_runs') }} as runs using (run_id)
order by candidates.source_id, candidates.url, candidates.reason
