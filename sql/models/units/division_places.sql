-- Each division version with the names of the province, city and county it lay in when it ended
-- (or lies in now). A parent is taken in the version of that same year.
with versions as (
    select *, coalesce(valid_to, 9998) as moment
    from {{ ref('stg_divisions') }}
),

with_parent as (
    select
        child.division_id,
        child.version,
        child.level,
        child.name,
        child.parent_id,
        parent.name as parent_name,
        parent.level as parent_level,
        parent.parent_id as grandparent_id,
        child.moment
    from versions as child
    asof left join versions as parent
        on child.parent_id = parent.division_id and child.moment <= parent.moment
),

with_grandparent as (
    select
        with_parent.*,
        grandparent.name as grandparent_name,
        grandparent.level as grandparent_level,
        grandparent.parent_id as top_id
    from with_parent
    asof left join versions as grandparent
        on with_parent.grandparent_id = grandparent.division_id and with_parent.moment <= grandparent.moment
),

with_top as (
    select
        with_grandparent.*,
        top.name as top_name,
        top.level as top_level
    from with_grandparent
    asof left join versions as top
        on with_grandparent.top_id = top.division_id and with_grandparent.moment <= top.moment
)

select
    division_id,
    version,
    {%- for level, place in [(1, 'province'), (2, 'city'), (3, 'county')] %}
    case {{ level }}
        when level then name
        when parent_level then parent_name
        when grandparent_level then grandparent_name
        when top_level then top_name
    end as {{ place }},
    {%- endfor %}
    array_to_string(list_filter([top_name, grandparent_name, parent_name, name], lambda n: n is not null), '') as full_name
from with_top
