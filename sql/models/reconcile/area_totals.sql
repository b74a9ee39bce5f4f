{{ config(materialized='view') }}
{#- From the counties up: an area is its whole-area report, else its own units and the areas directly
    below it, each by the same rule. So every unit counts once. -#}
{%- for model in ['totals_nation', 'totals_provinces', 'totals_prefectures', 'totals_counties'] %}
select
    * exclude (parent_level),
    covered = expected and blanks = 0 as is_complete
from {{ ref(model) }}
where value is not null
{{ "union all" if not loop.last }}
{%- endfor %}
