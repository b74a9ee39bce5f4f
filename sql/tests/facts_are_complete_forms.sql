-- Promise 2: each report in the facts has every cell of its form, once; none is dropped.
select facts.report_id, count(*) as cells
from {{ ref('national_fact') }} as facts
group by facts.report_id, facts.form
having count(*) <> (select count(*) from {{ ref('measures') }} as measures where measures.form = facts.form)
