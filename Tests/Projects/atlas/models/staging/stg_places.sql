select id, name, {{ shout('kind') }} as kind from {{ ref('places') }}
