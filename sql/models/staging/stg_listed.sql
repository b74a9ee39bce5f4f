select * from read_parquet({{ prepared('listed') }})
