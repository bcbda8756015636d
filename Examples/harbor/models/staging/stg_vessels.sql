select
  v.imo,
  v.vessel_name,
  v.flag,
  f.state_name as flag_state,
  f.is_open_registry,
  v.capacity_teu,
  v.is_active,
  v.updated_at
from {{ ref('raw_vessels') }} as v
left join {{ source('registry', 'flag_states') }} as f on f.flag = v.flag
