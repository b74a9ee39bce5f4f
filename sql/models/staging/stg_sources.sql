select * from read_parquet({{ prepared('sources') }})
