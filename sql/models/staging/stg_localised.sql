select * from read_parquet({{ prepared('localised') }})
