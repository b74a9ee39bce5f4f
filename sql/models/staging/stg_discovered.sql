{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('runs', 'run_id') }}") }}
select run_id, document_id, url, source_id, listing_url, link_title, link_date, official
from {{ accounts_parquet('discovered') }}
