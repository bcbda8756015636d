select * from {{ ref('semicolons') }}
