select * from {{ ref('budget') }}
