-- Every organ known: the government of every division, and each department a resolved report is by.
with governments as (
    select distinct division_id, 'gov' as organ_id
    from {{ ref('stg_divisions') }}
),

departments as (
    select distinct division_id, organ_id
    from {{ ref('stg_resolutions') }}
    where resolution = 'resolved' and organ_id <> 'gov'
)

select
    substr(sha256(division_id || '|' || organ_id), 1, 16) as unit_id,
    division_id,
    organ_id
from (
    select * from governments
    union
    select * from departments
)
