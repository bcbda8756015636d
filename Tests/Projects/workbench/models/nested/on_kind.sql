{{ config(materialized='view') }}
select * from {{ ref('kind') }}
