{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['id', 'port']) }}
select id, port, tons from {{ source('raw', 'calls') }}
