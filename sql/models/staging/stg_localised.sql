{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ forget('readings') }}") }}
select * from read_parquet({{ prepared('localised') }})
