{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
with missed as (
    select document_id, fetched_at, seen_at
    from {{ ref('stg_fetches') }}
    where error_code in ('http_404', 'http_410')
),

seen as (
    select document_id, max(seen_at) as last_seen_at
    from {{ ref('stg_fetches') }}
    where snapshot_id is not null and document_id in (select document_id from missed)
    group by document_id
),

-- The page was there and is not any more; its versions stay.
gone as (
    select document_id, min(fetched_at) as withdrawn_since
    from missed
    inner join seen using (document_id)
    where seen_at > last_seen_at
    group by document_id
)

select
    readings.report_id,
    readings.document_id,
    readings.parent_document_id,
    readings.snapshot_id,
    readings.url,
    readings.origin,
    readings.official,
    readings.issuing_unit,
    resolutions.unit_id,
    resolutions.resolution,
    resolutions.resolution_grade,
    resolutions.candidates,
    resolutions.explanation,
    readings.report_year,
    readings.form,
    readings.scope,
    versions.is_current,
    versions.superseded_by,
    versions.superseded_because,
    readings.title,
    readings.index_number,
    readings.document_number,
    try_cast(readings.published_date as date) as published_date,
    try_cast(readings.signed_date as date) as signed_date,
    readings.site_id_code,
    readings.source_id,
    readings.source_kind,
    readings.fetched_at,
    versions.last_fetched_at,
    gone.withdrawn_since,
    readings.parser_version
from {{ touched_rows(ref('stg_readings'), 'reports') }} as readings
inner join {{ touched_rows(ref('stg_resolutions'), 'reports') }} as resolutions using (report_id)
inner join {{ touched_rows(ref('report_versions'), 'reports') }} as versions using (report_id)
left join gone on gone.document_id = readings.document_id
