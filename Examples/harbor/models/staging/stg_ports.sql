select
  port_code,
  port_name,
  country,
  latitude,
  longitude,
  berth_fee,
  opened_on
from {{ ref('raw_ports') }}
