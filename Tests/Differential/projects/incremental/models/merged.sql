{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', merge_update_columns=['tons']) }}
select id, port, tons, called_at from {{ source('raw', 'calls') }}
