-- Documents that hold the report of one unit, year and scope (or a page and its attachment) must
-- give the same numbers; the one that survives carries the finding.
with copies as (
    select superseded_by as report_id, report_id as copy_id
    from {{ ref('report_versions') }}
    where is_latest_version and superseded_by is not null
),

differing as (
    select
        copies.report_id,
        copies.copy_id,
        list(mine.cell order by mine.position) as cells,
        arg_min(mine.value, mine.position) as found,
        arg_min(other.value, mine.position) as expected
    from copies
    inner join {{ long_cells('select report_id from copies', published=false) }} as mine
        on mine.report_id = copies.report_id
    inner join {{ long_cells('select copy_id from copies', published=false) }} as other
        on other.report_id = copies.copy_id and other.cell = mine.cell
    where mine.value is distinct from other.value
    group by all
)

select
    report_id,
    'copies' as rule,
    'copies.' || copy_id as identity,
    cells,
    expected,
    found,
    'violated' as verdict,
    copy_id
from differing
