select
  voyage_id,
  count(*) as manifests,
  sum(containers) as containers,
  sum(weight_tonnes) as weight_tonnes,
  count(*) filter (where handling = 'hazardous') as hazardous_manifests
from {{ ref('stg_manifests') }}
group by voyage_id
