-- Promise 1: every discovered document ends in exactly one outcome.
select run_id, discovered
from {{ ref('runs') }}
where discovered <> parsed + rejected + duplicate + unchanged + quarantined + skipped + failed
