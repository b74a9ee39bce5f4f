{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
-- Applied: the reader mended an OCR reading. Proposed: the page itself is wrong, and exactly one
-- smallest change satisfies every identity of its part of the form; the published value stays.
-- Corrected: a person decided, which goes before a proposal for the same cell. Who found that what a
-- report contradicts is no mistake of the page (dismissed, explained) leaves nothing to propose.
with stands as (
    select report_id, list(identity) as identities
    from {{ ref('stg_verdicts') }}
    where verdict in ('dismissed', 'explained')
    group by report_id
),

changes as (
    select
        report_id,
        violated,
        len(repairs[1]) as cells_changed,
        unnest(repairs[1], recursive := true)
    from {{ ref('stg_localised') }}
    left join stands using (report_id)
    where
        answer = 'unique'
        and not coalesce(list_has_any(violated, stands.identities), false)
        {{- only_touched('reports') }}
),

-- What the page has in the cells that change.
changed as (
    select
        changes.*,
        report_values.form,
        {{ value_of('changes.cell') }} as published_value,
        report_values.as_published[form_cells.position] as as_published
    from changes
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
    inner join {{ ref('statutory_form') }} as form_cells
        on form_cells.form = report_values.form and form_cells.cell = changes.cell
),

mended as (
    select
        report_id,
        unnest(range(1, len(status) + 1)) as position,
        unnest(status) as status
    from {{ ref('stg_report_values') }}
    where has_repaired {{- only_touched('reports') }}
),

-- The witness of a cell: the violated identities that it stands in.
witnesses as (
    select
        changed.report_id,
        changed.cell,
        string_agg(identities.identity, ', ' order by identities.identity) as witness
    from changed
    inner join {{ ref('identities') }} as identities
        on identities.form = changed.form and identities.cell = changed.cell
    where list_contains(changed.violated, identities.identity)
    group by all
),

applied as (
    select
        report_id,
        form_cells.cell,
        report_values.as_published[mended.position] as as_published,
        null::decimal(18, 4) as published_value,
        {{ value_of('form_cells.cell') }} as value,
        'reading_repaired' as rule,
        null::varchar as slip,
        1 as cells_changed,
        report_values.forced_by[mended.position] as witness,
        'applied' as status
    from mended
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
    inner join {{ ref('statutory_form') }} as form_cells
        on form_cells.form = report_values.form and form_cells.position = mended.position
    where mended.status = 'repaired'
),

proposed as (
    select
        changed.report_id,
        changed.cell,
        changed.as_published,
        changed.published_value,
        changed."after"::decimal(18, 4) as value,
        'fewest_cells' as rule,
        changed.slip,
        changed.cells_changed::int as cells_changed,
        witnesses.witness,
        'proposed' as status
    from changed
    left join witnesses on witnesses.report_id = changed.report_id and witnesses.cell = changed.cell
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
    where state = 'corrected' {{- only_touched('reports') }}
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
