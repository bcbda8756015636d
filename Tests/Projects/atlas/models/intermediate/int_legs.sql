{% set kinds = ['sea', 'river'] %}
select t.*{% for kind in kinds %}, '{{ kind }}' as {{ dbt.string_literal(kind) }}{% endfor %}
from {{ ref('stg_trips') }} t join {{ ref('stg_stays') }} s using (id)
join {{ ref('atlas', 'stg_places') }} p on p.id = t.place where {{ var('n') }} > 1
