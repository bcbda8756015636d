{{ config(materialized='table') }}
select id, name, amount from {{ ref('base') }} where id < 3
