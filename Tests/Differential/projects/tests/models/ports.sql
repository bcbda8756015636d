{{ config(materialized='table') }}
select * from {{ ref('ports_seed_view') }}
