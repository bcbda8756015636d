select voyage_id, departed_at, arrived_at
from {{ ref('voyage_log') }}
where arrived_at < departed_at
