-- Promise 2: no number without a reason, no reason without its number, never a silent zero.
-- The reports are judged whole, a letter for each cell; nothing is turned into rows.
{% for form in ['2019', '2021'] -%}
{%- set cells = form_cells(form) %}
select report_id, reasons, numbers
from (
    select
        report_id,
        status,
        forced_by,
        array_to_string(list_transform(status, lambda s: case
            when s in ('reported', 'forced', 'repaired') then '1'
            when s in ('blank', 'mark', 'unread') then '0'
            else '?'
        end), '') as reasons,
        concat({% for c in cells %}case when "{{ c }}" is null then '0' else '1' end{{ ", " if not loop.last }}{% endfor %}) as numbers
    from {{ ref('stg_report_values') }}
    where form = '{{ form }}' and {{ test_only_touched('readings') }}
)
where
    reasons is distinct from numbers
    or (
        list_contains(status, 'forced')
        and len(list_filter(list_zip(status, forced_by), lambda told: told[1] = 'forced' and told[2] is null)) > 0
    )
{{ "union all" if not loop.last }}
{% endfor %}
