select * from {{ ref('lib', 'lib_model') }}
