{% macro shout(x) %}upper({{ x }}){{ quiet() }}{% endmacro %}
{% macro quiet() %}{{ adapter.dispatch('quiet')() }}{% endmacro %}
{% macro default__quiet() %}{% endmacro %}
{% macro unused(x: string, y=none) -%} '{{ x }}' = '{{ shout(y) }}' {%- endmacro %}
