{% snapshot vessel_history %}
{{ config(unique_key='imo', strategy='timestamp', updated_at='updated_at') }}
select imo, vessel_name, flag, capacity_teu, is_active, updated_at from {{ ref('raw_vessels') }}
{% endsnapshot %}
