select * from {{ source('raw', 'trips') }} where false
