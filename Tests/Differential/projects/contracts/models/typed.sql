{{ config(materialized='table') }}
select 1 as id, 1 as parent_id, 'x'::varchar(10) as code, {{ var('amount', '1.5::numeric(10, 2)') }} as amount, date '2024-01-01' as "Day"
