{{ config(
    materialized='incremental',
    unique_key='voyage_id',
    incremental_strategy='delete+insert',
    on_schema_change='append_new_columns',
    tags=['daily']
) }}

select
  voyage_id,
  imo,
  origin_port,
  destination_port,
  departed_at,
  arrived_at,
  status,
  weight_tonnes,
  hazardous_manifests > 0 as is_hazardous
from {{ ref('int_voyages_loaded') }}
{% if is_incremental() %}
where departed_at >= (select max(departed_at) - interval '14 days' from {{ this }})
{% endif %}
