select * from {{ source('raw', 'ships') }}
