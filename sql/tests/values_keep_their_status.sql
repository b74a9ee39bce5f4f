-- Promise 2: no number without a reason, no reason without its number, never a silent zero.
{% for form in ['2019', '2021'] -%}
{%- set cells = form_cells(form) %}
select report_id, value, status, forced_by
from (
    select
        report_id,
        unnest(status) as status,
        unnest(forced_by) as forced_by,
        unnest([{% for c in cells %}"{{ c }}"{{ ", " if not loop.last }}{% endfor %}]) as value
    from {{ ref('stg_report_values') }}
    where form = '{{ form }}'
)
where
    status is null
    or status not in ('reported', 'forced', 'blank', 'mark', 'unread', 'repaired')
    or (value is null) <> (status in ('blank', 'mark', 'unread'))
    or (status = 'forced' and forced_by is null)
{{ "union all" if not loop.last }}
{% endfor %}
