{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('coverage', 'unit_id') }}") }}
{#- The resolved reports of the units made anew, and of the offices that speak for these. -#}
{%- set resolutions %}
    {%- if is_incremental() -%}
    (
        from {{ ref('stg_resolutions') }}
        where unit_id in (
            from {{ touched('coverage') }}
            union all
            select unit_id from {{ ref('units') }}
            where organ = 'gov_office' and substr(sha256(division_id || '|gov'), 1, 16) in {{ touched('coverage') }}
        )
    )
    {%- else -%}
    {{ ref('stg_resolutions') }}
    {%- endif -%}
{%- endset -%}
-- Expected: the government of each division that has a reviewed source, and of each division in it
-- down to the townships; each unit that a source is registered for; and each department in the years
-- after it reported. For every report year seen among the reports of those sources, from 2019 on: the
-- regulation's dates, like the statutory form, begin with the reports for 2019.
with expected_units as (
    select * from read_parquet({{ prepared('expected') }})
),

-- Reports that a listing names and that were not fetched: whoever lists one has published it.
listed as (
    select
        *,
        try_cast(link_date as date) as published_date
    from {{ ref('stg_listed') }}
),

years as (
    select distinct sources.source_division_id, seen.report_year
    from (select distinct source_id, source_division_id from expected_units) as sources
    inner join (
        select source_id, report_year from {{ ref('stg_readings') }}
        union
        select source_id, report_year from listed
    ) as seen using (source_id)
    where seen.report_year >= 2019
),

departments_that_reported as (
    select
        resolutions.unit_id,
        resolutions.division_id,
        resolutions.organ_id,
        source_divisions.source_division_id,
        min(readings.report_year) as first_year
    from {{ resolutions }} as resolutions
    inner join {{ ref('stg_readings') }} as readings using (report_id)
    inner join (select distinct source_id, source_division_id from expected_units) as source_divisions
        using (source_id)
    where
        resolutions.resolution = 'resolved'
        and resolutions.organ_id <> 'gov'
        -- an office that reports for the whole area has answered for its government alone
        and not (resolutions.organ_id = 'gov_office' and readings.scope is not distinct from 'area')
        and readings.official
        and readings.report_year is not null
    group by all
),

due as (
    select
        expected_units.unit_id,
        expected_units.division_id,
        expected_units.organ_id,
        expected_units.expected_by,
        years.report_year
    from expected_units
    inner join years using (source_division_id)
    union
    select
        departments.unit_id,
        departments.division_id,
        departments.organ_id,
        'it has reported since ' || departments.first_year,
        years.report_year
    from departments_that_reported as departments
    inner join years using (source_division_id)
    where years.report_year >= departments.first_year
),

in_force as (
    select distinct division_id, level, kind, coalesce(valid_from, 0) as from_year, coalesce(valid_to, 9998) as to_year
    from {{ ref('stg_divisions') }}
),

expected as (
    select
        due.unit_id,
        due.division_id,
        due.organ_id,
        in_force.level,
        due.report_year,
        due.expected_by
    from due
    inner join in_force
        on in_force.division_id = due.division_id
        and due.report_year between in_force.from_year and in_force.to_year
    {{ only_touched('coverage', 'due.unit_id', word='where') }}
    qualify row_number() over (
        partition by due.unit_id, due.report_year
        order by due.expected_by, in_force.level
    ) = 1
),

-- The office speaks for its government when it reports for the whole area. Only what tells which
-- answer is the best: a million rows with their addresses are more than a publish may hold in memory.
answers as (
    select
        case
            when resolutions.organ_id = 'gov_office' and readings.scope = 'area'
                then substr(sha256(resolutions.division_id || '|gov'), 1, 16)
            else resolutions.unit_id
        end as unit_id,
        readings.report_year,
        readings.report_id,
        null::varchar as listed_url,
        readings.outcome,
        coalesce(versions.is_current, false) as is_current,
        readings.fetched_at,
        coalesce(try_cast(readings.published_date as date), try_cast(readings.link_date as date)) as published_date,
        case
            when try_cast(readings.published_date as date) is not null then 'the page''s header'
            when try_cast(readings.link_date as date) is not null then 'the listing'
        end as published_evidence
    from {{ ref('stg_readings') }} as readings
    inner join {{ resolutions }} as resolutions using (report_id)
    left join {{ ref('report_versions') }} as versions using (report_id)
    where resolutions.resolution = 'resolved' and readings.official
    union all by name
    select
        unit_id,
        report_year,
        url as listed_url,
        'listed' as outcome,
        false as is_current,
        published_date,
        case when published_date is not null then 'the listing' end as published_evidence
    from listed
),

best_answer as (
    select *
    from answers
    qualify row_number() over (
        partition by unit_id, report_year
        order by
            list_position(['parsed', 'rejected', 'listed'], outcome),
            is_current desc,
            published_date,
            fetched_at,
            report_id,
            listed_url
    ) = 1
),

-- Who republishes a report has published it when it first came out, whichever version counts now.
-- A date before the last month of the year reported on is of something else.
first_published as (
    select
        unit_id,
        report_year,
        published_date,
        published_evidence
    from answers
    where published_date >= make_date(report_year, 12, 1)
    qualify row_number() over (
        partition by unit_id, report_year
        order by published_date, published_evidence = 'the listing', fetched_at, report_id, listed_url
    ) = 1
),

perhaps as (
    select distinct candidate.unit_id, report_year
    from (
        select unnest(resolutions.candidates) as candidate, readings.report_year
        from {{ ref('stg_resolutions') }} as resolutions
        inner join {{ ref('stg_readings') }} as readings using (report_id)
        where resolutions.resolution = 'ambiguous' and readings.official
    )
),

dated as (
    select
        expected.*,
        case
            when level = 4 then null
            when organ_id = 'gov' then make_date(expected.report_year + 1, 3, 31)
            else make_date(expected.report_year + 1, 1, 31)
        end as deadline,
        case
            when best_answer.outcome is not null then best_answer.outcome
            when perhaps.unit_id is not null then 'ambiguous'
            else 'missing'
        end as outcome,
        best_answer.report_id,
        best_answer.listed_url,
        first_published.published_date,
        first_published.published_evidence
    from expected
    left join best_answer using (unit_id, report_year)
    left join first_published using (unit_id, report_year)
    left join perhaps using (unit_id, report_year)
),

units as (
    select unit_id, unit_name, province, city, county
    from {{ ref('units') }}
    {{ only_touched('coverage', 'unit_id', word='where') }}
    qualify row_number() over (partition by unit_id order by version desc) = 1
)

select
    dated.unit_id,
    units.unit_name,
    units.province,
    units.city,
    units.county,
    dated.level,
    dated.report_year,
    dated.expected_by,
    dated.deadline,
    dated.published_date,
    dated.published_evidence,
    dated.outcome,
    coalesce(readings.reason_code, listed.code) as reason,
    dated.published_date > dated.deadline as late,
    dated.report_id,
    coalesce(readings.url, dated.listed_url) as url
from dated
left join units using (unit_id)
left join {{ ref('stg_readings') }} as readings using (report_id)
left join (select unit_id, report_year, url, min(code) as code from listed group by all) as listed
    on listed.unit_id = dated.unit_id and listed.report_year = dated.report_year and listed.url = dated.listed_url
