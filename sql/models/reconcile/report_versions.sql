{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
-- Which of several readings counts. Stated rules, in order:
--   1. of one document, the version fetched last;
--   2. of one unit, year and scope: an official page before anything else; then the later evidenced
--      publication date (a republication corrects); then the page before its attachment; then the
--      one fetched last; then the smaller report_id.
-- Where the unit is not resolved, only a page and its own attachments are of one report.
with last_fetch as (
    select document_id, snapshot_id, max(fetched_at) as last_fetched_at, max(seen_at) as last_seen_at
    from {{ ref('stg_fetches') }}
    where snapshot_id is not null
    group by all
),

parsed as (
    select
        readings.report_id,
        readings.document_id,
        readings.parent_document_id,
        readings.snapshot_id,
        readings.official,
        readings.origin,
        readings.report_year,
        readings.scope,
        readings.published_date,
        coalesce(last_fetch.last_fetched_at, readings.fetched_at) as last_fetched_at,
        coalesce(last_fetch.last_seen_at, readings.fetched_at) as last_seen_at,
        resolutions.unit_id,
        case
            when resolutions.unit_id is not null then 'unit ' || resolutions.unit_id
            else 'document ' || coalesce(readings.parent_document_id, readings.document_id)
        end
        || ' ' || coalesce(readings.report_year::varchar, '?') || ' ' || coalesce(readings.scope, '?') as same_report
    from {{ ref('stg_readings') }} as readings
    inner join {{ ref('stg_resolutions') }} as resolutions using (report_id)
    left join last_fetch
        on last_fetch.document_id = readings.document_id and last_fetch.snapshot_id = readings.snapshot_id
    where readings.outcome = 'parsed' {{- only_touched('reports', 'readings.report_id') }}
),

of_document as (
    select
        *,
        row_number() over last_first = 1 as is_latest_version,
        first_value(report_id) over last_first as latest_version
    from parsed
    window last_first as (partition by document_id order by last_seen_at desc, report_id)
),

survivors as (
    select same_report, report_id as survivor
    from of_document
    where is_latest_version
    qualify row_number() over (
        partition by same_report
        order by
            official desc,
            origin = 'imported',
            published_date desc nulls last,
            parent_document_id is not null,
            last_seen_at desc,
            report_id
    ) = 1
)

select
    of_document.report_id,
    of_document.last_fetched_at,
    of_document.same_report,
    is_latest_version,
    coalesce(is_latest_version and survivor = of_document.report_id, false) as is_current,
    case
        when not is_latest_version then latest_version
        when survivor <> of_document.report_id then survivor
    end as superseded_by,
    case
        when not is_latest_version then 'a later version of the document was fetched'
        when survivor = of_document.report_id then null
        when unit_id is null then 'the page or another attachment of it holds the same report'
        else 'another document holds the report of the same unit, year and scope'
    end as superseded_because
from of_document
left join survivors using (same_report)
