{{ config(materialized='incremental', incremental_strategy=var('odd_strategy', 'append')) }}
select id from {{ ref('events') }}
