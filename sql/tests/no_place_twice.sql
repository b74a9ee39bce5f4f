-- Promise 8: no unit has two current reports of one year and scope, so no roll-up counts it twice.
select unit_id, report_year, scope, count(*) as reports
from {{ ref('reports') }}
where is_current and unit_id is not null
group by all
having count(*) > 1
