-- When a division may be another than the year before: one beside it began or ended, so that something
-- was split from it or merged into it (the registry does not say of whom); or, for a whole-area
-- report, a division below it came from or went to another.
with versions as (
    select
        *,
        lag(parent_id) over (partition by division_id order by version) as parent_before,
        coalesce(valid_from, lag(valid_to) over (partition by division_id order by version) + 1) as since,
        version = max(version) over (partition by division_id) as is_last
    from {{ ref('stg_divisions') }}
    where kind = 'formal'
),

begun_or_ended as (
    select parent_id, level, valid_from as year
    from versions
    where version = 1 and valid_from is not null
    union
    select parent_id, level, valid_to + 1 as year
    from versions
    where is_last and valid_to is not null
),

beside as (
    select distinct versions.division_id, begun_or_ended.year
    from begun_or_ended
    inner join versions using (parent_id, level)
),

moved as (
    select unnest([parent_before, parent_id]) as division_id, since as year
    from versions
    where parent_before <> parent_id and since is not null
)

select division_id, year, unnest(['own', 'area']) as scope
from beside
union
select division_id, year, 'area' as scope
from moved
