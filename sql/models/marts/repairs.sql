-- Applied: the reader mended an OCR reading. Proposed: the page itself is wrong, and exactly one
-- change of one cell satisfies every identity; the published value stays.
with mended as (
    select report_id from {{ ref('stg_report_values') }} where list_contains(status, 'repaired')
    union
    select report_id from {{ ref('repair_candidates') }} where alternatives = 1
),

cells as (
    select * from {{ long_cells('select report_id from mended') }}
),

applied as (
    select
        report_id,
        cell,
        as_published,
        null::decimal(18, 4) as published_value,
        value,
        'reading_repaired' as rule,
        forced_by as witness,
        'applied' as status
    from cells
    where status = 'repaired'
),

proposed as (
    select
        candidates.report_id,
        candidates.cell,
        cells.as_published,
        cells.value as published_value,
        (cells.value + candidates.change)::decimal(18, 4) as value,
        'single_cell' as rule,
        array_to_string(candidates.witness, ', ') as witness,
        'proposed' as status
    from {{ ref('repair_candidates') }} as candidates
    inner join cells on cells.report_id = candidates.report_id and cells.cell = candidates.cell
    where candidates.alternatives = 1
)

select * from applied
union all
select * from proposed
order by report_id, cell
