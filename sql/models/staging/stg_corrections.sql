select * from read_parquet({{ prepared('corrections') }})
