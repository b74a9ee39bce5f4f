-- Promises 7 and 8: a fact comes from an official page, of a resolved unit, in its current version.
select facts.report_id
from {{ ref('report_labels') }} as facts
left join {{ ref('reports') }} as reports using (report_id)
where
    facts.is_fact
    and (
        reports.report_id is null
        or not reports.official
        or not reports.is_current
        or reports.resolution <> 'resolved'
        or facts.unit_id is null
        or reports.unit_id is distinct from facts.unit_id
        or reports.origin = 'imported' and not reports.url like 'http%'
    )
