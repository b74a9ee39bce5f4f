-- Promises 7 and 8: a fact comes from an official page, of a resolved unit, in its current version.
select distinct facts.report_id
from {{ ref('national_fact') }} as facts
left join {{ ref('reports') }} as reports using (report_id)
where
    reports.report_id is null
    or not reports.official
    or not reports.is_current
    or reports.resolution <> 'resolved'
    or reports.unit_id is distinct from facts.unit_id
    or reports.origin = 'imported' and not reports.url like 'http%'
