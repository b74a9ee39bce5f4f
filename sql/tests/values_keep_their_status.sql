-- Promise 2: no number without a reason, no reason without its number, never a silent zero.
select report_id, cell, value, status
from {{ ref('report_cells') }}
where
    (value is null) <> (status in ('blank', 'mark', 'unread'))
    or (status = 'forced' and forced_by is null)
