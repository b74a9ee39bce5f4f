{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('readings') }}") }}
-- A number in a sentence of the report against the cell of its tables that the reader says it is.
-- A sentence can join two numbers, so the table is not taken as wrong: the two differ.
-- depends_on: {{ ref('statutory_form') }}
with prose as (
    select report_id, unnest(prose_numbers, recursive := true)
    from {{ touched_rows(ref('stg_readings'), 'readings') }}
    where outcome = 'parsed' and len(prose_numbers) > 0
),

compared as (
    select
        prose.report_id,
        prose.measure,
        prose.value::decimal(18, 4) as expected,
        {{ value_of('prose.measure') }} as found,
        prose.sentence
    from prose
    inner join {{ touched_rows(ref('stg_report_values'), 'readings') }} as report_values using (report_id)
)

-- A figure that any sentence gives as the table does is confirmed, whatever else is said of it.
select
    report_id,
    'prose' as rule,
    'prose.' || measure as identity,
    [measure] as cells,
    min(expected) as expected,
    any_value(found) as found,
    case when any_value(found) is null then 'cannot_tell' else 'violated' end as verdict,
    arg_min(sentence, (expected, sentence)) as sentence
from compared
group by report_id, measure
having not coalesce(bool_or(expected = found), false)
