{{ config(materialized='ephemeral') }}
select * from {{ source('seeded', 'ports') }}
