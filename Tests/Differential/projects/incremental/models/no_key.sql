{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='called_at', batch_size='year', begin='2023-01-01') }}
select id, called_at from {{ ref('events') }}
