select * from read_parquet({{ prepared('runs') }})
