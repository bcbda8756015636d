{{ config(tags=['lone']) }}
select * from {{ ref('ledger') }} where id < 0
