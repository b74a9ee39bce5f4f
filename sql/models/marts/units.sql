{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where unit_id not in (select unit_id from {{ ref('organs') }}){% endif %}"
) }}
{#- What is said of a unit hangs on the registry alone, which no increment changes. -#}
with divisions as (
    select * from {{ ref('stg_divisions') }}
),

former_names as (
    select division_id, list_distinct(list(name order by version)) as names
    from divisions
    group by division_id
),

organ_types as (
    select
        organ_id,
        name,
        coalesce(string_split(aliases, '|'), []) as aliases,  -- one organ has none
        -- A province has a 厅 where counties have a 局.
        coalesce(list_filter(string_split(aliases, '|'), lambda alias: alias like '%厅')[1], name) as province_name
    from {{ ref('organ_types') }}
)

select
    organs.unit_id,
    divisions.version,
    organs.division_id,
    organs.organ_id as organ,
    case
        when divisions.level = 1 and (divisions.name not like '%市' or organs.organ_id = 'gov_office') and organs.organ_id <> 'gov'
            then divisions.name || organ_types.province_name
        when organs.organ_id <> 'gov' then divisions.name || organ_types.name
        when divisions.kind = 'functional' then divisions.name || '管理委员会'
        when divisions.kind = 'nbs-only' then divisions.name
        when divisions.name like '%街道' then divisions.name || '办事处'
        else divisions.name || '人民政府'
    end as unit_name,
    divisions.name as division_name,
    places.full_name,
    case
        when organs.organ_id <> 'gov' then list_transform(organ_types.aliases, lambda alias: divisions.name || alias)
        else list_concat([divisions.name], list_filter(former_names.names, lambda name: name <> divisions.name))
    end as aliases,
    divisions.level,
    divisions.kind,
    divisions.code_nbs,
    divisions.code_mca,
    divisions.parent_id as parent_division_id,
    substr(sha256(divisions.parent_id || '|gov'), 1, 16) as parent_unit_id,
    places.province,
    places.city,
    places.county,
    divisions.valid_from,
    divisions.valid_to
from {{ ref('organs') }} as organs
{% if is_incremental() -%}
anti join {{ this }} as known using (unit_id)
{% endif -%}
inner join divisions using (division_id)
inner join {{ ref('division_places') }} as places
    on places.division_id = divisions.division_id and places.version = divisions.version
inner join former_names on former_names.division_id = divisions.division_id
left join organ_types on organ_types.organ_id = organs.organ_id
order by organs.division_id, organ, divisions.version
