{{ config(materialized='table') }}
select 1 as id, 'Anna'::text as name
