{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('readings') }}") }}
-- depends_on: {{ ref('statutory_form') }}
{%- set columns = value_columns() %}
select
    report_id,
    form,
    report_year,
    as_published,
    status,
    place,
    case when list_count(forced_by) > 0 then forced_by end as forced_by,  -- nearly always for no cell
    coalesce(list_contains(status, 'repaired'), false) as has_repaired,
    {%- for c in columns %}
    "{{ c }}"{{ "," if not loop.last }}
    {%- endfor %}
from {{ readings_parquet() }}
where outcome = 'parsed'
