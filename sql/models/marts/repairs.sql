-- Applied: the reader mended an OCR reading. Proposed: the page itself is wrong, and exactly one
-- smallest change satisfies every identity of its part of the form; the published value stays.
-- Corrected: a person decided, which goes before a proposal for the same cell.
with changes as (
    select
        report_id,
        violated,
        len(repairs[1]) as cells_changed,
        unnest(repairs[1], recursive := true)
    from {{ ref('stg_localised') }}
    where answer = 'unique'
),

mended as (
    select report_id from {{ ref('stg_report_values') }} where list_contains(status, 'repaired')
    union
    select report_id from changes
),

cells as (
    select * from {{ long_cells('select report_id from mended') }}
),

-- The witness of a cell: the violated identities that it stands in.
witnesses as (
    select
        changes.report_id,
        changes.cell,
        string_agg(identities.identity, ', ' order by identities.identity) as witness
    from changes
    inner join cells on cells.report_id = changes.report_id and cells.cell = changes.cell
    inner join {{ ref('identities') }} as identities
        on identities.form = cells.form and identities.cell = changes.cell
    where list_contains(changes.violated, identities.identity)
    group by all
),

applied as (
    select
        report_id,
        cell,
        as_published,
        null::decimal(18, 4) as published_value,
        value,
        'reading_repaired' as rule,
        null::varchar as slip,
        1 as cells_changed,
        forced_by as witness,
        'applied' as status
    from cells
    where status = 'repaired'
),

proposed as (
    select
        changes.report_id,
        changes.cell,
        cells.as_published,
        cells.value as published_value,
        changes."after"::decimal(18, 4) as value,
        'fewest_cells' as rule,
        changes.slip,
        changes.cells_changed::int as cells_changed,
        witnesses.witness,
        'proposed' as status
    from changes
    inner join cells on cells.report_id = changes.report_id and cells.cell = changes.cell
    left join witnesses on witnesses.report_id = changes.report_id and witnesses.cell = changes.cell
),

corrected as (
    select
        report_id,
        cell,
        as_published,
        value_now as published_value,
        value,
        'by_hand' as rule,
        null::varchar as slip,
        1 as cells_changed,
        reason || ' (' || evidence || '; ' || decided_by || ', ' || decided_on || ')' as witness,
        'corrected' as status
    from {{ ref('corrections') }}
    where state = 'corrected'
),

by_program as (
    select * from applied
    union all by name
    select * from proposed
)

select * from corrected
union all by name
select by_program.*
from by_program
anti join corrected on corrected.report_id = by_program.report_id and corrected.cell = by_program.cell
order by report_id, cell
