{{ config(
    indexes=[{'columns': ['port_code']}, {'columns': ['voyage_id', 'call_kind'], 'unique': true}],
    post_hook="comment on table {{ this }} is 'Every departure and arrival'"
) }}

{% set kinds = {'departure': ['origin_port', 'departed_at'], 'arrival': ['destination_port', 'arrived_at']} %}

{% for kind, columns in kinds.items() %}
select
  voyage_id,
  imo,
  {{ columns[0] }} as port_code,
  '{{ kind }}' as call_kind,
  {{ columns[1] }} as called_at
from {{ ref('stg_voyages') }}
where {{ columns[1] }} is not null
{{ 'union all' if not loop.last }}
{% endfor %}
