{{ config(materialized='view') }}
select 'Hamburg'::text as name, 60 as berths, '{{ var("region") }}' as region, '{{ var("own") }}' as own, {{ label("'x'") }} as label, '{{ var("season") }}' as season
