{{ config(materialized='view') }}
-- {{ var('label') }}
select id, name, {{ cents('amount') }} as amount, day, moment, flag, {{ shout('hey') }} as word, {{ dbt.dateadd('day', 1, 'moment') }} as later
from {{ ref('types') }}
