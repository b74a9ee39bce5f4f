select * from read_parquet({{ prepared('verdicts') }})
