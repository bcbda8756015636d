select 1 from {{ ref('stg_stays') }}
