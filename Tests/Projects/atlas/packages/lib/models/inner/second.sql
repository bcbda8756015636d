select * from {{ ref('lib_model') }}, {{ source('libsrc', 'one') }} where '{{ var('width') }}' > 'a'
