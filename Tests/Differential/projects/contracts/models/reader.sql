select * from {{ ref('ship') }} union all select id, name || '!' from {{ ref('ship', v=1) }}
