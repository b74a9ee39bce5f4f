-- A correction by hand holds for every version of its document that still has the number it was made
-- for, in the report year that the document told when it was decided: the same address may hold
-- another year's report since. `outdated`: the version fetched last has another number, so the source was mended or changed
-- again. `unmatched`: no version of the document was ever read.
with versions as (
    select
        corrections.*,
        versions.report_id,
        versions.is_latest_version,
        versions.last_fetched_at
    from {{ ref('stg_corrections') }} as corrections
    left join (
        select readings.document_id, readings.report_year, readings.fetched_at, report_versions.*
        from {{ ref('report_versions') }} as report_versions
        inner join {{ ref('stg_readings') }} as readings using (report_id)
    ) as versions using (document_id)
    qualify versions.report_year is not distinct from first_value(versions.report_year) over (
        partition by corrections.document_id, corrections.cell
        order by
            coalesce(versions.fetched_at::date > try_cast(corrections.decided_on as date), false),
            versions.fetched_at desc
    )
),

cells as (
    select * from {{ long_cells('select report_id from versions') }}
)

select
    versions.document_id,
    versions.report_id,
    versions.cell,
    versions.published_value,
    versions.value,
    versions.reason,
    versions.evidence,
    versions.decided_by,
    versions.decided_on,
    versions.last_fetched_at,
    cells.as_published,
    cells.value as value_now,
    case
        when versions.report_id is null then 'unmatched'
        when cells.cell is not null and cells.value is not distinct from versions.published_value then 'corrected'
        else 'outdated'
    end as state
from versions
left join cells on cells.report_id = versions.report_id and cells.cell = versions.cell
where
    versions.report_id is null
    or versions.is_latest_version
    or (cells.cell is not null and cells.value is not distinct from versions.published_value)
