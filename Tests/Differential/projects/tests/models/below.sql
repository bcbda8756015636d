select count(*) as n from {{ ref('ports') }}
