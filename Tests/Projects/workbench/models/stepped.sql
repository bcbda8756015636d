select id, 'p' as part, case when id = 2 then {{ var('step') }} else 0 end as changing from {{ ref('types') }} where id <> {{ 3 if var('step') > 1 else 0 }}
