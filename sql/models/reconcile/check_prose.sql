-- A number in a sentence of the report against the figure of its tables. `prose_measures` says
-- which cells make the figure. A sentence can join two numbers, so the table is not taken as wrong:
-- a finding says that the two differ.
with prose as (
    select report_id, unnest(prose_numbers, recursive := true)
    from {{ ref('stg_readings') }}
    where outcome = 'parsed' and len(prose_numbers) > 0
),

figures as (
    select
        cells.report_id,
        measures.measure,
        list(cells.cell order by cells.position) as cells,
        sum(cells.value) filter (where cells.value is not null) as known,
        count(*) filter (where cells.value is null) as blank
    from {{ ref('report_cells_long') }} as cells
    inner join {{ ref('prose_measures') }} as measures on measures.cell = cells.cell
    where cells.report_id in (select report_id from prose)
    group by all
),

compared as (
    select
        prose.report_id,
        prose.measure,
        figures.cells,
        prose.value::decimal(18, 4) as expected,
        case when blank = 0 then known end as found,
        prose.sentence
    from prose
    inner join figures using (report_id, measure)
)

-- A figure that any sentence gives as the table does is confirmed, whatever else is said of it.
select
    report_id,
    'prose' as rule,
    'prose.' || measure as identity,
    any_value(cells) as cells,
    min(expected) as expected,
    any_value(found) as found,
    case when any_value(found) is null then 'cannot_tell' else 'violated' end as verdict,
    arg_min(sentence, expected) as sentence
from compared
group by report_id, measure
having not coalesce(bool_or(expected = found), false)
