{#- The wide row turned into one row per cell: the form's cells in order beside their values and the
    lists that hold what was published. -#}
-- depends_on: {{ ref('statutory_form') }}
{% for form in ['2019', '2021'] -%}
{%- set cells = form_cells(form) -%}
select
    report_id,
    form,
    unnest(['{{ cells | join("', '") }}']) as cell,
    unnest(range(1, {{ cells | length + 1 }}))::smallint as position,
    unnest([{% for c in cells %}"{{ c }}"{{ ", " if not loop.last }}{% endfor %}]) as value,
    unnest(as_published) as as_published,
    unnest(status) as status,
    unnest(place) as place,
    unnest(forced_by) as forced_by
from {{ ref('stg_report_values') }}
where form = '{{ form }}'
{{ "union all" if not loop.last }}
{% endfor %}
