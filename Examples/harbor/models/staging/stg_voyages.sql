select
  voyage_id,
  imo,
  origin as origin_port,
  destination as destination_port,
  departed_at,
  arrived_at,
  status,
  {{ hours_between('departed_at', 'arrived_at') }} as hours_at_sea
from {{ ref('raw_voyages') }}
where departed_at >= '{{ var("first_departure") }}'
