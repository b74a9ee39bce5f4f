with registry as (
    select *
    from read_csv(
        '{{ env_var("GONGKAI_SQL") }}/registry/divisions.csv.gz', all_varchar = true, header = true
    )
)

select
    unit_id as division_id,
    level::int as level,
    kind,
    nullif(code_nbs, '') as code_nbs,
    nullif(code_mca, '') as code_mca,
    name,
    nullif(parent_id, '') as parent_id,
    nullif(valid_from_year, '')::int as valid_from,
    nullif(valid_to_year, '')::int - 1 as valid_to,
    row_number() over (
        partition by unit_id
        order by coalesce(nullif(valid_to_year, '')::int, 9999), coalesce(nullif(valid_from_year, '')::int, 0), code_nbs
    ) as version
from registry
