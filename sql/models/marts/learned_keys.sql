-- What pages teach (tasks/units/learned.py), with the present name of the unit.
select
    keys.kind,
    keys.key,
    keys.unit_id,
    units.unit_name,
    units.full_name,
    keys.times_seen,
    keys.first_seen,
    keys.last_seen,
    keys.contradictions,
    keys.other_units,
    keys.usable
from read_parquet({{ prepared('learned_keys') }}) as keys
left join {{ ref('units') }} as units using (unit_id)
qualify row_number() over (partition by keys.kind, keys.key order by units.version desc) = 1
order by keys.kind, keys.key
