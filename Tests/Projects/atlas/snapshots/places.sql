{% snapshot places_history %}
{{ config(strategy='timestamp', unique_key='id', updated_at='ts', target_schema='snaps') }}
select * from {{ ref('places') }}
{% endsnapshot %}
