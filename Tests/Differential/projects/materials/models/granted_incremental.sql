{{ config(materialized='incremental', unique_key='code', grants={'select': 'reader'}, persist_docs={'relation': true}, unlogged=true) }}
select code, rate from {{ ref('rates') }}
