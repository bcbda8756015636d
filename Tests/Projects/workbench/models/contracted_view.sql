{{ config(materialized='view') }}
select 1::int as id
