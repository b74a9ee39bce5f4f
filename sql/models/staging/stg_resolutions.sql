select * from read_parquet({{ prepared('resolutions') }})
