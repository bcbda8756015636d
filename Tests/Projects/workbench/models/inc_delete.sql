{{ config(materialized='incremental', unique_key=['id', 'part'], incremental_strategy='delete+insert', on_schema_change='append_new_columns') }}
select id, 'p' as part, {{ var('step') }} as step {% if var('step') > 1 %}, 'added' as extra{% endif %} from {{ ref('base') }}
{% if is_incremental() %} where id > 1 {% endif %}
