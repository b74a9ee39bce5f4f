{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('readings') }}") }}
{#- Identities 1-4 on one row per report: Σ plus = Σ minus. Nulls spoil `sum_all`, so one pass of
    plain arithmetic leaves only the reports that need a closer look. -#}
{%- set forms = ['2019', '2021'] -%}
-- depends_on: {{ ref('identities') }}
with {% for form in forms -%}
{%- set identities = form_identities(form) -%}
suspects_{{ form }} as (
    select report_id, unnest([
        {%- for i in identities %}
        {
            'rule': '{{ i.rule }}', 'identity': '{{ i.identity }}',
            'cells': ['{{ (i.plus + i.minus) | join("', '") }}'],
            'left_known': {{ sum_known(i.plus) }}, 'left_blank': {{ count_blank(i.plus) }},
            'right_known': {{ sum_known(i.minus) }}, 'right_blank': {{ count_blank(i.minus) }}
        }{{ "," if not loop.last }}
        {%- endfor %}
    ], recursive := true)
    from {{ touched_rows(ref('stg_report_values'), 'readings') }}
    where form = '{{ form }}' and (
        false
        {%- for i in identities %}
        or ({{ sum_all(i.plus) }} - {{ sum_all(i.minus) }}) is distinct from 0
        {%- endfor %}
    )
),

{% endfor -%}
judged as (
    select
        *,
        case
            -- Values are not negative: what is blank can only add to its own side.
            when right_blank = 0 and left_known > right_known then 'violated'
            when left_blank = 0 and right_known > left_known then 'violated'
            when left_blank = 0 and right_blank = 0 then 'holds'
            else 'cannot_tell'
        end as verdict
    from (
        select * from suspects_2019
        union all
        select * from suspects_2021
    )
)

select
    report_id,
    rule,
    identity,
    cells,
    left_known,
    left_blank,
    right_known,
    right_blank,
    case when left_blank = 0 then left_known end as expected,
    case when right_blank = 0 then right_known end as found,
    verdict
from judged
where verdict <> 'holds'
