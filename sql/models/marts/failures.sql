-- What is wrong now: each document whose newest outcome (`unchanged` apart, which repeats the one
-- before) is a rejection, a quarantine or a failed fetch; and trouble that is no document's outcome
-- (a listing, an attachment) until the same document is read. Names of runs sort in true order.
with suspects as (  -- few: all else is asked of these only
    select distinct document_id
    from {{ ref('stg_outcomes') }}
    where is_problem or outcome in ('rejected', 'quarantined', 'failed')
),

told as (
    select
        *,
        outcome in ('rejected', 'quarantined', 'failed') or is_problem as is_failure
    from {{ ref('stg_outcomes') }}
    semi join suspects using (document_id)
    where (is_problem or outcome in ('parsed', 'rejected', 'duplicate', 'quarantined', 'failed'))
),

-- `unchanged` after a failed fetch says that the document is there again, as it was read before.
recovered as (
    select failed.document_id, failed.run_id
    from told as failed
    inner join {{ ref('stg_outcomes') }} as later
        on later.document_id = failed.document_id
        and later.outcome = 'unchanged'
        and later.run_id > failed.run_id
    where failed.outcome = 'failed' and not failed.is_problem
),

read_since as (
    select document_id, max(fetched_at) as read_at
    from {{ ref('stg_readings') }}
    semi join suspects using (document_id)
    where outcome = 'parsed'
    group by document_id
),

standing as (
    select told.*
    from told
    anti join recovered
        on recovered.document_id = told.document_id and recovered.run_id = told.run_id
),

last_good as (
    select document_id, max(run_id) as good_run
    from standing
    where not is_failure
    group by document_id
),

-- A page of a listing that a later run took entries from was read then.
listed_since as (
    select discovered.listing_url as url, max(run_id) as listed_run
    from {{ ref('stg_discovered') }} as discovered
    inner join {{ ref('stg_runs') }} as runs using (run_id)
    where discovered.listing_url in (select url from told where is_problem and stage = 'discover')
    group by discovered.listing_url
),

open_failures as (
    select standing.*
    from standing
    left join last_good using (document_id)
    left join read_since using (document_id)
    left join listed_since using (url)
    where
        is_failure
        and (good_run is null or standing.run_id > good_run)
        and not (is_problem and coalesce(read_at >= standing.started_at, false))
        and not (stage = 'discover' and is_problem and coalesce(listed_run > standing.run_id, false))
        and not (code in ('stopped', 'damaged_part', 'clock_wrong') and standing.run_id < (select max(run_id) from {{ ref('stg_runs') }} where kind = 'nightly'))
),

from_runs as (
    select
        document_id,
        arg_max(url, (run_id, not is_problem)) as url,
        arg_max(snapshot_id, (run_id, not is_problem)) as snapshot_id,
        arg_max(outcome, (run_id, not is_problem)) as outcome,
        arg_max(stage, (run_id, not is_problem)) as stage,
        arg_max(code, (run_id, not is_problem)) as code,
        arg_max(message, (run_id, not is_problem)) as message,
        arg_max(place, (run_id, not is_problem)) as place,
        min(started_at) as first_seen,
        max(started_at) as last_seen,
        count(*) as times
    from open_failures
    group by document_id
),

-- A reading of a document that no run speaks of.
unaccounted as (
    select distinct document_id
    from {{ ref('stg_readings') }}
    anti join {{ ref('stg_outcomes') }} as outcomes using (document_id)
    where parent_document_id is null and outcome = 'rejected'
),

from_readings as (
    select
        document_id,
        arg_max(url, fetched_at) as url,
        arg_max(snapshot_id, fetched_at) as snapshot_id,
        'rejected' as outcome,
        'parse' as stage,
        arg_max(reason_code, fetched_at) as code,
        arg_max(reason_message, fetched_at) as message,
        arg_max(reason_place, fetched_at) as place,
        min(fetched_at) as first_seen,
        max(fetched_at) as last_seen,
        count(*) as times
    from {{ ref('stg_readings') }}
    semi join unaccounted using (document_id)
    where parent_document_id is null
    group by document_id
    having arg_max(outcome, fetched_at) = 'rejected'
),

all_failures as (
    select * from from_runs
    union all by name
    select * from from_readings
),

-- A correction by hand that no longer fits its source is not applied.
outdated as (
    select
        'correction of ' || cell || ' in ' || document_id as document_id,
        document_id as url,
        'failed' as outcome,
        'publish' as stage,
        'correction_' || state as code,
        case state
            when 'unmatched' then 'no such document was read; the correction is not applied'
            else 'the document now says ' || coalesce(value_now::varchar, 'nothing') || ', not '
                || coalesce(published_value::varchar, 'nothing') || '; the correction is not applied'
        end as message,
        cell as place,
        coalesce(last_fetched_at, (select max(finished_at) from {{ ref('stg_runs') }}), try_cast(decided_on as timestamptz), timestamptz '2000-01-01') as first_seen,
        1 as times
    from {{ ref('corrections') }}
    where state <> 'corrected'
)

select
    failures.document_id,
    failures.url,
    failures.snapshot_id,
    failures.outcome,
    failures.stage,
    failures.code,
    failures.message,
    failures.place,
    readings.issuing_unit,
    failures.first_seen,
    failures.last_seen,
    failures.times
from (
    select * from all_failures
    union all by name
    select *, first_seen as last_seen from outdated
) as failures
left join {{ ref('stg_readings') }} as readings
    on readings.document_id = failures.document_id and readings.snapshot_id = failures.snapshot_id
order by failures.last_seen desc, failures.document_id
