{% macro label(value) %}{{ return(adapter.dispatch('label', 'ports')(value)) }}{% endmacro %}
{% macro default__label(value) %}'package ' || {{ value }}{% endmacro %}
{% macro summary(results) %}
{% if execute %}select '{% for r in results if r.node.resource_type == "model" %}{{ r.node.name }}={{ r.status }};{% endfor %}'{% endif %}
{% endmacro %}
