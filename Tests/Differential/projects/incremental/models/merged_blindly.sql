{{ config(materialized='incremental', incremental_strategy='merge') }}
select id, port from {{ source('raw', 'calls') }} where id < 3
