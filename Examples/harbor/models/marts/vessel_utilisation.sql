{{ config(alias='utilisation', tags=['daily']) }}

select
  v.imo,
  v.vessel_name,
  v.flag_state,
  count(l.voyage_id) as voyages,
  sum(l.containers) as containers,
  round(avg(l.containers::numeric / v.capacity_teu), 4) as mean_load,
  sum(l.hours_at_sea) as hours_at_sea
from {{ ref('stg_vessels') }} as v
left join {{ ref('int_voyages_loaded') }} as l on l.imo = v.imo
group by v.imo, v.vessel_name, v.flag_state
