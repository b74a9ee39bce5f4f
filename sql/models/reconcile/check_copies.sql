{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
-- Documents that hold the report of one unit, year and scope (or a page and its attachment) must
-- give the same numbers; the one that survives carries the finding. Where the two are on different
-- forms, the cells that both forms have are compared.
-- depends_on: {{ ref('statutory_form') }}
{%- set common = form_cells('2019') | select('in', form_cells('2021')) | list %}
with copies as (
    select superseded_by as report_id, report_id as copy_id
    from {{ ref('report_versions') }}
    where is_latest_version and superseded_by is not null {{- only_touched('reports') }}
),

concerned as (
    select report_id, form, {% for c in value_columns() %}"{{ c }}"{{ ", " if not loop.last }}{% endfor %}
    from {{ ref('stg_report_values') }}
    where report_id in (select report_id from copies union all select copy_id from copies)
),

differing as (
    {%- for form in ['2019', '2021'] %}
    {%- set cells = form_cells(form) %}
    select
        copies.report_id,
        copies.copy_id,
        list_filter([
            {%- for c in cells %}
            {
                'cell': '{{ c }}', 'mine': mine."{{ c }}", 'other': other."{{ c }}",
                'differs': mine."{{ c }}" is distinct from other."{{ c }}"
                    {%- if c not in common %} and other.form = '{{ form }}'{% endif %}
            }{{ "," if not loop.last }}
            {%- endfor %}
        ], lambda c: c.differs) as differences
    from copies
    inner join concerned as mine on mine.report_id = copies.report_id
    inner join concerned as other on other.report_id = copies.copy_id
    where mine.form = '{{ form }}'
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select
    report_id,
    'copies' as rule,
    'copies.' || copy_id as identity,
    list_transform(differences, lambda c: c.cell) as cells,
    differences[1].other as expected,
    differences[1].mine as found,
    'violated' as verdict,
    copy_id
from differing
where len(differences) > 0
