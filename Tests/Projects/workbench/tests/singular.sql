select * from {{ ref('uses_eph') }} where id is null
