{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
-- Which of several readings counts. Stated rules, in order:
--   1. of one document, the version fetched last; a page whose report is replaced each year holds a
--      report of each, unless a later version gives the same numbers: then it mends the year or scope;
--   2. of one unit, year and scope: an official page before anything else; then the better evidence
--      that it is the unit's at all; then the later evidenced publication date (a republication
--      corrects); then the page before its attachment; then the one fetched last; then the smaller
--      report_id.
-- Where the unit is not resolved, only a page and its own attachments are of one report.
with last_fetch as (
    select document_id, snapshot_id, max(fetched_at) as last_fetched_at, max(seen_at) as last_seen_at
    from {{ ref('stg_fetches') }}
    where
        snapshot_id is not null
        {%- if is_incremental() %}
        and document_id in (select document_id from {{ ref('stg_readings') }} {{ only_touched('reports', word='where') }})
        {%- endif %}
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
        list_position(['hard', 'context', 'soft', 'learned'], resolutions.resolution_grade) as evidence,
        case
            when resolutions.unit_id is not null then 'unit ' || resolutions.unit_id
            else 'document ' || coalesce(readings.parent_document_id, readings.document_id)
        end
        || ' ' || coalesce(readings.report_year::varchar, '?') || ' ' || coalesce(readings.scope, '?') as same_report
    from {{ touched_rows(ref('stg_readings'), 'reports') }} as readings
    inner join {{ touched_rows(ref('stg_resolutions'), 'reports') }} as resolutions using (report_id)
    left join last_fetch
        on last_fetch.document_id = readings.document_id and last_fetch.snapshot_id = readings.snapshot_id
    where readings.outcome = 'parsed'
),

of_document as (
    select
        *,
        row_number() over last_first = 1 as is_last,
        first_value(report_id) over last_first as last_version
    from parsed
    window last_first as (partition by document_id, report_year, scope order by last_seen_at desc, report_id)
),

replaced as (
    select
        document_id,
        report_id,
        last_seen_at,
        [{% for c in value_columns() %}"{{ c }}"{{ ", " if not loop.last }}{% endfor %}] as numbers
    from (from of_document where is_last qualify count(*) over (partition by document_id) > 1)
    inner join {{ ref('stg_report_values') }} using (report_id)
),

-- Reports without a number but 0 are alike every year.
mended as (
    select
        replaced.report_id,
        arg_max(later.report_id, later.last_seen_at) as mended_by
    from replaced
    inner join replaced as later using (document_id, numbers)
    where later.last_seen_at > replaced.last_seen_at and list_max(list_transform(numbers, lambda x: abs(x))) > 0
    group by replaced.report_id
),

versions as (
    select
        *,
        is_last and mended_by is null as is_latest_version,
        if(is_last, mended_by, last_version) as later_version
    from of_document
    left join mended using (report_id)
),

survivors as (
    select same_report, report_id as survivor
    from versions
    where is_latest_version
    qualify row_number() over (
        partition by same_report
        order by
            official desc,
            origin = 'imported',
            evidence,
            published_date desc nulls last,
            parent_document_id is not null,
            last_seen_at desc,
            report_id
    ) = 1
)

select
    versions.report_id,
    versions.last_fetched_at,
    versions.same_report,
    is_latest_version,
    coalesce(is_latest_version and survivor = versions.report_id, false) as is_current,
    case
        when not is_latest_version then later_version
        when survivor <> versions.report_id then survivor
    end as superseded_by,
    case
        when mended_by is not null then 'a later version of the document gives the same numbers for another year or scope'
        when not is_latest_version then 'a later version of the document was fetched'
        when survivor = versions.report_id then null
        when unit_id is null then 'the page or another attachment of it holds the same report'
        else 'another document holds the report of the same unit, year and scope'
    end as superseded_because
from versions
left join survivors using (same_report)
