with cells as (
    select
        form.*,
        rows.meaning as row_meaning,
        columns.meaning as column_meaning
    from {{ ref('statutory_form') }} as form
    left join {{ ref('row_meanings') }} as rows using (row_code)
    left join {{ ref('column_meanings') }} as columns using (section, column_code)
)

select
    form,
    cell,
    position,
    section,
    row_code,
    column_code,
    concat_ws(' ／ ', nullif(group_label, row_label), row_label, column_label) as label,
    row_meaning || ': ' || column_meaning as meaning,
    unit,
    clause,
    {{ series_of('row_code', 'column_code', 'cell') }} as series,
    case
        when row_code = 'other_handling' then 'equals the sum of the three rows of the 2021 form'
        when row_code in ('other_no_correction', 'other_unpaid_fee', 'other_other')
            then 'one of three rows; only their sum compares with the 2019 form'
        when column_code = 'disclosed_total'
            then 'counts what is disclosed, not what is in force: does not continue into in_force of the 2021 form'
        when count(*) over (partition by cell) = 2 then 'same on both forms'
        else 'this form only'
    end as comparability
from cells
order by form, position
