{{ memory._note('the test') }} select 1 as n from {{ ref('a') }} where false
