-- The last version of each division.
select division_id, level, kind, name, parent_id, code_nbs, code_mca, valid_from, valid_to
from {{ ref('stg_divisions') }}
qualify row_number() over (partition by division_id order by version desc) = 1
