{{ config(materialized='incremental', unique_key='manifest_id', incremental_strategy='merge') }}

select
  m.manifest_id,
  m.voyage_id,
  m.commodity,
  m.weight_tonnes,
  v.status
from {{ ref('stg_manifests') }} as m
join {{ ref('stg_voyages') }} as v using (voyage_id)
{% if is_incremental() %}
where m.manifest_id > (select coalesce(max(manifest_id), 0) - 20 from {{ this }})
{% endif %}
