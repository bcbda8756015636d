{{ config(materialized='table', event_time='called_at') }}
select * from {{ source('raw', 'calls') }}
