select 'a' as code, 1 as id{% if var('extra', false) %}, 2 as extra{% endif %}
