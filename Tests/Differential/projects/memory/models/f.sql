{{ _note('f') }} select a.name from {{ ref('a') }} a, {{ ref('b') }} b
