{#- Findings on hierarchy are few, and bear on reports that nothing else touched: always made anew. -#}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook=[
    "{{ forget('reports') }}",
    "{% if is_incremental() %}delete from {{ this }} where rule = 'hierarchy'{% endif %}"
]) }}
with within_report as (
    select
        checks.report_id,
        checks.rule,
        checks.identity,
        checks.cells,
        checks.expected,
        checks.found,
        checks.verdict,
        case
            when verdict = 'cannot_tell'
                then (left_blank + right_blank) || ' of ' || len(cells) || ' cells are blank or unread'
            when left_blank + right_blank = 0
                then 'the parts give ' || left_known::decimal(18, 0) || ', the report says ' || right_known::decimal(18, 0)
            else 'the known cells already give ' || left_known::decimal(18, 0) || ' against ' || right_known::decimal(18, 0)
                || ', whatever the ' || (left_blank + right_blank) || ' blank ones hold'
        end as explanation
    from {{ ref('check_identities') }} as checks
),

-- All smallest repairs of the part of the form that a violated identity belongs to, in words.
described as (
    select
        report_id,
        violated,
        answer,
        alternatives,
        open_amount,
        array_to_string(list_transform(
            repairs[:5],
            lambda r: array_to_string(list_transform(
                r,
                lambda c: c.cell || ' ' || c.before || ' → ' || c."after" || coalesce(' (' || c.slip || ')', '')
            ), ' and ')
        ), '; ') as changes
    from {{ ref('stg_localised') }}
),

remedies as (
    select
        report_id,
        unnest(violated) as identity,
        case
            when answer = 'unique' then '; the one smallest change that mends it: ' || changes
            when answer = 'none' then '; no change of at most three cells mends it'
            when alternatives = 0 then '; blank cells leave open what would mend it'
            else '; ' || alternatives || ' smallest changes would mend it'
                || case when open_amount then ', and more by open amounts' else '' end || ': ' || changes
        end as remedy
    from described
),

identities as (
    select
        within_report.* exclude (explanation),
        explanation || coalesce(remedy, '') as explanation
    from within_report
    left join remedies using (report_id, identity)
),

years as (
    select
        report_id, rule, identity, cells, expected, found, verdict,
        case
            when division_changed then 'the division or one beside it changed after ' || last_year
            when verdict = 'cannot_tell' then 'a cell of ' || last_year || ' or of this year is blank'
            else 'the report for ' || last_year || ' (' || last_report_id || ') gives ' || expected::decimal(18, 0)
                || ', this one says ' || found::decimal(18, 0)
        end as explanation
    from {{ ref('check_years') }}
),

prose as (
    select
        report_id, rule, identity, cells, expected, found, verdict,
        case verdict
            when 'violated' then 'the text says ' || expected::decimal(18, 0) || ', the table ' || found::decimal(18, 0) || ': “' || sentence || '”'
            else 'the text says ' || expected::decimal(18, 0) || ', the table is blank: “' || sentence || '”'
        end as explanation
    from {{ ref('check_prose') }}
),

report_years as (
    select
        report_id, rule, identity, []::varchar[] as cells, expected::decimal(18, 4) as expected,
        found::decimal(18, 4) as found, 'violated' as verdict,
        case identity
            when 'year.title' then 'the title says ' || found || ', the report is read as for ' || expected
            else 'dated ' || found || ', before the end of the year it reports on (' || expected || ')'
        end as explanation
    from {{ ref('check_report_year') }}
    where wrong
),

copies as (
    select
        report_id, rule, identity, cells, expected, found, verdict,
        len(cells) || ' cells differ from the copy ' || copy_id as explanation
    from {{ ref('check_copies') }}
),

hierarchy as (
    select
        report_id, rule, identity, cells, expected, found, verdict,
        case
            when verdict = 'violated'
                then units || ' units of the area together give ' || expected::decimal(18, 0) || ', more than the '
                    || found::decimal(18, 0) || ' of the area''s report'
            when found is null then 'the area''s report leaves it blank'
            else units || ' of the ' || units_expected || ' units expected in the area speak for themselves and give '
                || expected::decimal(18, 0) || ' of the area''s ' || found::decimal(18, 0)
                || case when units_blank > 0 then '; ' || units_blank || ' reports leave it blank' else '' end
        end as explanation
    from {{ ref('check_hierarchy') }}
),

all_findings as (
    {% for cte in ['identities', 'years', 'prose', 'report_years', 'copies', 'hierarchy'] -%}
    select report_id, rule, identity, cells, expected::decimal(18, 4) as expected, found::decimal(18, 4) as found, verdict, explanation
    from {{ cte }}
    {%- if cte != 'hierarchy' %}
    {{ only_touched('reports', word='where') }}
    {%- endif %}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    all_findings.*,
    verdicts.verdict as human_verdict,
    verdicts.reason as human_reason,
    verdicts.evidence as human_evidence,
    verdicts.decided_by,
    verdicts.decided_on
from all_findings
left join {{ ref('stg_verdicts') }} as verdicts using (report_id, rule, identity)
