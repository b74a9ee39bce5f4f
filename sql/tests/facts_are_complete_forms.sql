-- Promise 2: each report has what was published of every cell of its form, in order; none is dropped.
-- The long tables turn these lists into rows.
select report_id
from {{ ref('stg_report_values') }}
where
    {{ test_only_touched('readings') }}
    and (len(status) <> case form when '2019' then {{ form_cells('2019') | length }} else {{ form_cells('2021') | length }} end
    or len(status) <> len(as_published)
    or len(status) <> len(place)
    or len(status) <> len(forced_by)  -- null where no cell is forced
    or status is null
    )
