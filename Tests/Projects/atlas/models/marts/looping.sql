select * from {{ ref('ledger') }} join {{ ref('dim_places') }} using (id)
