{{ config(materialized='table') }}
select n as id, n % 3 as buyer, date '2024-01-01' + n as ordered_on, 1.5 * n as amount from generate_series(1, 20) as n
