select * from {{ ref('changing') }}
