{{ config(materialized='incremental', unique_key='code') }}
select code, berths, {{ limit_of('berths') }} as capped, '{{ env_var("DIFF_MARK", "none") }}' as mark, {{ var('factor', 2) }} as factor
from {{ ref('ports') }}
{% if is_incremental() %} where berths > (select max(berths) from {{ this }}) {% endif %}
