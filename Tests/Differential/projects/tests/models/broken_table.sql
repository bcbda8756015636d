{{ config(materialized='table', on_error='continue') }}
select 1 / (n - n) as x from {{ ref('warned_count') }}
