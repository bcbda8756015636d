select
  manifest_id,
  voyage_id,
  commodity,
  containers,
  weight_tonnes,
  {{ tonnes_to_teu('weight_tonnes') }} as weight_teu,
  coalesce(handling, 'standard') as handling
from {{ ref('raw_manifests') }}
