with voyages as (select * from {{ ref('stg_voyages') }}),

cargo as (select * from {{ ref('int_voyage_cargo') }})

select
  voyages.*,
  coalesce(cargo.manifests, 0) as manifests,
  coalesce(cargo.containers, 0) as containers,
  coalesce(cargo.weight_tonnes, 0) as weight_tonnes,
  coalesce(cargo.hazardous_manifests, 0) as hazardous_manifests
from voyages
left join cargo using (voyage_id)
