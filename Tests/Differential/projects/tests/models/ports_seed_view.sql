select code, name, berths, '{{ var("zone", "EU") }}' as zone from {{ ref('ports_raw') }}
