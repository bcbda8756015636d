{% test short_text(model, column_name, limit=10) %}
select {{ column_name }} from {{ model }} where length({{ column_name }}) > {{ limit }}
{% endtest %}

{% test at_least(model, rows) %}
{{ config(fail_calc='coalesce(max(missing), 0)') }}
select {{ rows }} - count(*) as missing from {{ model }} having count(*) < {{ rows }}
{% endtest %}
