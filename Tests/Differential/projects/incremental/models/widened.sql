{{ config(materialized='incremental', unique_key='id') }}
select id, port::varchar({{ var('width', 10) }}) as port from {{ source('raw', 'calls') }}
