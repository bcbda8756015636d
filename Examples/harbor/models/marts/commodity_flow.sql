select
  commodity,
  status,
  count(*) as manifests,
  sum(weight_tonnes) as weight_tonnes
from {{ ref('cargo_ledger') }}
group by commodity, status
