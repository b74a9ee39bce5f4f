{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('resolutions') }}") }}
select * from read_parquet({{ prepared('resolutions') }})
