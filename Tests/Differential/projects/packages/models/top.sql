select name, {{ ports.label('name') }} as label, {{ tools.twice('berths') }} as twice, {{ dbt.current_timestamp() }} as moment, '{{ var("season") }}' as season
from {{ ref('berths') }}
