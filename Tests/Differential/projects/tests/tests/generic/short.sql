{% test short(model, column_name, most=10) %}
select * from {{ model }} where length({{ column_name }}) > {{ most }}
{% endtest %}
