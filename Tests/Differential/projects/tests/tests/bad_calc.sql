{{ config(fail_calc='max(berths)', error_if='>100', warn_if='>10', store_failures_as='view') }}
select * from {{ ref('ports') }}
