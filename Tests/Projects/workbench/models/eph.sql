{{ config(materialized='ephemeral') }}
with inner_cte as (select * from {{ ref('base') }}) select id, name, amount from inner_cte
