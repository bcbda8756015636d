{% macro add(a, b) %}{{ a }} + {{ b }} + {{ lib.helper() }}{% endmacro %}
{% macro helper() %}{{ return(adapter.dispatch('helper', 'lib')()) }}{% endmacro %}
{% macro default__helper() %}0{% endmacro %}
{% test positive(model, column) %}select * from {{ model }} where {{ column }} <= 0{% endtest %}
