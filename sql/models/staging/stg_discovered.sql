select run_id, document_id, url, source_id, listing_url, link_title, link_date, official
from read_parquet({{ archive('runs/**/*discovered.parquet') }}, union_by_name = true)
