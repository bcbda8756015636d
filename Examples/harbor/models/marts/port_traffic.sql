{{ config(materialized='view') }}

select
  p.port_code,
  p.port_name,
  count(c.voyage_id) as calls,
  count(*) filter (where c.call_kind = 'arrival') as arrivals,
  max(c.called_at) as last_call_at
from {{ ref('stg_ports') }} as p
left join {{ ref('port_calls') }} as c on c.port_code = p.port_code
group by p.port_code, p.port_name
