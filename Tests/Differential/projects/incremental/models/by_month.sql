{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='called_at', batch_size='month', begin='2024-02-11 10:00:00',
          unique_key=['id'], on_schema_change='append_new_columns') }}
select id, called_at, tons from {{ ref('events') }}
