{% macro twice(value) %}{{ value }} * 2{% endmacro %}
{% macro is_positive(value) %}{{ adapter.dispatch('is_positive', 'tools')(value) }}{% endmacro %}
{% macro default__is_positive(value) %}{{ value }} > 0{% endmacro %}
{% test shorter_than(model, column_name, length) %}select 1 from {{ model }} where length({{ column_name }}) >= {{ length }}{% endtest %}
{% macro clash() %}tools{% endmacro %}
