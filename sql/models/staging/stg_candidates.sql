select run_id, source_id, listing_url, url, link_title, link_date, reason
from read_parquet({{ archive('runs/**/*candidates.parquet') }}, union_by_name = true)
