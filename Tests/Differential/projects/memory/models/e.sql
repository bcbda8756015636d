{{ memory._note('e') }} select * from {{ ref('d', v=none) }}
