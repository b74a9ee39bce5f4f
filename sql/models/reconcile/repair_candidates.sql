-- Single-cell repairs: changing one number by one amount mends every identity that is violated and
-- breaks none. So the cell must stand in exactly the violated identities, each asking for the same
-- change. Cells of an identity with blanks are left out: what they would do to it cannot be told.
with form_identities as (
    select form, identity, cell, coefficient from {{ ref('identities') }}
),

identities_of_cell as (
    select form, cell, count(*) as identities
    from form_identities
    group by all
),

violated as (
    select checks.report_id, readings.form, checks.identity, left_known - right_known as residual
    from {{ ref('check_identities') }} as checks
    inner join {{ ref('stg_readings') }} as readings using (report_id)
    where checks.verdict = 'violated' and left_blank = 0 and right_blank = 0
),

violations_of_report as (
    select report_id, count(*) filter (where verdict = 'violated') as violations
    from {{ ref('check_identities') }}
    group by report_id
),

changes as (
    select
        violated.report_id,
        violated.form,
        form_identities.cell,
        count(*) as mended,
        min(-residual / coefficient) as change,
        max(-residual / coefficient) as other_change,
        list(violated.identity order by violated.identity) as witness
    from violated
    inner join form_identities using (form, identity)
    group by all
)

select
    changes.report_id,
    changes.cell,
    changes.change::decimal(18, 4) as change,
    changes.witness,
    count(*) over (partition by changes.report_id) as alternatives
from changes
inner join violations_of_report using (report_id)
inner join identities_of_cell using (form, cell)
inner join {{ long_cells('select report_id from changes', published=false) }} as cells
    on cells.report_id = changes.report_id and cells.cell = changes.cell
where
    mended = violations
    and mended = identities
    and change = other_change
    and change = round(change)
    and cells.value + change >= 0
