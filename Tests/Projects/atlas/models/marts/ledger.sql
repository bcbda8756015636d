{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns', tags=['nightly', 'slow']) }}
select id, '{{ shout("x") }}' as x from {{ ref('int_legs') }}
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
union all select id, name from {{ ref('places') }}
