{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('readings') }}") }}
-- The year that the title or the signature gives, against the report year.
with years as (
    select
        report_id,
        report_year,
        try_cast(regexp_extract(regexp_replace(coalesce(title, ''), '\s', '', 'g'), '((?:19|20)\d\d)年', 1) as int) as title_year,
        year(try_cast(coalesce(published_date, signed_date, document_date) as date)) as dated
    from {{ touched_rows(ref('stg_readings'), 'readings') }}
    where outcome = 'parsed'
)

select
    report_id,
    'year' as rule,
    unnest([
        {'identity': 'year.title', 'found': title_year, 'wrong': title_year <> report_year},
        {'identity': 'year.date', 'found': dated, 'wrong': dated < report_year}
    ], recursive := true),
    report_year as expected
from years
where report_year is not null and (title_year <> report_year or dated < report_year)
