select id, buyer, ordered_on as seen_on, id % 2 = 0 as is_first from {{ ref('orders') }}
