-- depends_on: {{ ref('statutory_form') }}
with readings as (
    select * exclude ({% for c in value_columns() %}"{{ c }}"{{ ", " if not loop.last }}{% endfor %}, as_published, place, forced_by)
    from {{ readings_parquet() }}
)

-- A killed run may have left the same bytes of a document in two parts; the earlier one counts.
select *
from readings
qualify row_number() over (partition by report_id order by fetched_at, filename, file_row_number) = 1
