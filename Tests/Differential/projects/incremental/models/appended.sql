{{ config(materialized='incremental', incremental_strategy='append', indexes=[{'columns': ['port']}, {'columns': ['id'], 'unique': true}]) }}
select * from {{ source('raw', 'calls') }}
{% if is_incremental() %} where id > (select coalesce(max(id), 0) from {{ this }}) {% endif %}
