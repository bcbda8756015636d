{{ config(materialized=var('kind', 'table')) }}
select * from {{ ref('rates') }}
