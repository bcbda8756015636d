{{ config(severity='warn', store_failures=true, limit=1) }}
select * from {{ ref('ports') }} where name is null
