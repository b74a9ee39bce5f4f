{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('reports') }}") }}
-- Across years, for one unit and scope: what was carried out of a year comes into the next; what is
-- in force is what was, and what was issued, less what was repealed. Both years' current reports
-- must be there; a division that changed between them, by a split or a merger too, makes it cannot_tell.
{%- set this_columns, last_columns = [], [] %}
{%- for column in ['natural_person', 'business', 'research', 'public_interest', 'legal_service', 'other_org', 'total'] %}
{%- do this_columns.append('requests.carried_in.' ~ column) %}
{%- do last_columns.append('requests.carried_out.' ~ column) %}
{%- endfor %}
{%- for row in ['rules', 'normative_documents'] %}
{%- for column in ['in_force', 'issued', 'repealed'] %}{% do this_columns.append('proactive.' ~ row ~ '.' ~ column) %}{% endfor %}
{%- do last_columns.append('proactive.' ~ row ~ '.in_force') %}
{%- endfor %}
{%- for row in ['licences', 'other_services', 'penalties', 'coercion', 'fees'] %}
{%- do this_columns.append('proactive.' ~ row ~ '.items_last_year') %}
{%- do last_columns.extend(['proactive.' ~ row ~ '.items_last_year', 'proactive.' ~ row ~ '.change']) %}
{%- endfor %}
with current_values as (
    select
        reports.report_id,
        reports.unit_id,
        reports.scope,
        reports.form,
        reports.report_year,
        units.version as unit_version,
        units.division_id,
        {%- for c in (this_columns + last_columns) | unique %}
        report_values."{{ c }}"{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('reports') }} as reports
    inner join {{ ref('stg_report_values') }} as report_values using (report_id)
    inner join {{ ref('unit_years') }} as units
        on units.unit_id = reports.unit_id and units.report_year = reports.report_year
    where reports.is_current and reports.resolution = 'resolved' {{- only_touched('reports') }}
),

pairs as (
    select
        this.report_id,
        this.form as this_form,
        last.form as last_form,
        last.report_id as last_report_id,
        last.report_year as last_year,
        this.unit_version <> last.unit_version or changes.year is not null as division_changed,
        {%- for c in this_columns %}
        this."{{ c }}" as "this {{ c }}",
        {%- endfor %}
        {%- for c in last_columns %}
        last."{{ c }}" as "last {{ c }}"{{ "," if not loop.last }}
        {%- endfor %}
    from current_values as this
    inner join current_values as last
        on last.unit_id = this.unit_id and last.scope = this.scope and last.report_year = this.report_year - 1
    left join {{ ref('division_changes') }} as changes
        on changes.division_id = this.division_id and changes.year = this.report_year and changes.scope = this.scope
),

carried_over as (
    select
        report_id, last_report_id, last_year, division_changed,
        unnest([
            {%- for column in ['natural_person', 'business', 'research', 'public_interest', 'legal_service', 'other_org', 'total'] %}
            {
                'identity': 'carried_over.{{ column }}',
                'cells': ['requests.carried_in.{{ column }}'],
                'expected': "last requests.carried_out.{{ column }}",
                'found': "this requests.carried_in.{{ column }}"
            }{{ "," if not loop.last }}
            {%- endfor %}
        ], recursive := true),
        'carried_over' as rule
    from pairs
),

in_force as (
    select
        report_id, last_report_id, last_year, division_changed,
        unnest([
            {%- for row in ['rules', 'normative_documents'] %}
            {
                'identity': 'in_force.{{ row }}',
                'cells': ['proactive.{{ row }}.in_force', 'proactive.{{ row }}.issued', 'proactive.{{ row }}.repealed'],
                'expected': "last proactive.{{ row }}.in_force"
                    + "this proactive.{{ row }}.issued" - "this proactive.{{ row }}.repealed",
                'found': "this proactive.{{ row }}.in_force"
            }{{ "," if not loop.last }}
            {%- endfor %}
        ], recursive := true),
        'in_force' as rule
    from pairs
    where this_form = '2021' and last_form = '2021'
),

items_last_year as (
    select
        report_id, last_report_id, last_year, division_changed,
        unnest([
            {%- for row in ['licences', 'other_services', 'penalties', 'coercion', 'fees'] %}
            {
                'identity': 'items_last_year.{{ row }}',
                'cells': ['proactive.{{ row }}.items_last_year'],
                'expected': "last proactive.{{ row }}.items_last_year" + "last proactive.{{ row }}.change",
                'found': "this proactive.{{ row }}.items_last_year"
            }{{ "," if not loop.last }}
            {%- endfor %}
        ], recursive := true),
        'items_last_year' as rule
    from pairs
    where this_form = '2019' and last_form = '2019'
),

checks as (
    select * from carried_over
    union all by name
    select * from in_force
    union all by name
    select * from items_last_year
)

select
    report_id,
    rule,
    identity,
    cells,
    expected,
    found,
    case when expected is null or found is null or division_changed then 'cannot_tell' else 'violated' end as verdict,
    last_year,
    last_report_id,
    division_changed
from checks
where expected is distinct from found or expected is null
