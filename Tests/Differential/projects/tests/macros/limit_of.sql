{% macro limit_of(column) %}least({{ column }}, 100){% endmacro %}
