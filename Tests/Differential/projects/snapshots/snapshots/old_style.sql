{% snapshot by_time %}
{{ config(target_schema='old_history', strategy='timestamp', unique_key='id', updated_at='changed_at') }}
select * from {{ source('raw', 'ships') }}
{% endsnapshot %}
{% snapshot by_columns %}
{{ config(strategy='check', unique_key='id', check_cols=['flag', 'name'], invalidate_hard_deletes=true) }}
select id, name, flag from {{ ref('ships') }}
{% endsnapshot %}
