{{ config(tags='nightly', meta={'x': 1}) }}
select * from {{ source('raw', 'trips') }} where day > '{{ var("start") }}'
