{% macro twice(value) %}{{ value }} * 2{% endmacro %}
{% macro is_positive(value) %}{{ adapter.dispatch('is_positive', 'tools')(value) }}{% endmacro %}
{% macro default__is_positive(value) %}{{ value }} > 0{% endmacro %}
{% test shorter_than(model, column_name, length) %}select 1 from {{ model }} where length({{ column_name }}) >= {{ length }}{% endtest %}
{% macro clash() %}tools{% endmacro %}
{# The adapter asks for it by name, in any package. #}
{% macro create_schema(relation) %}
  {% call statement('create_schema') %}create schema if not exists {{ relation.without_identifier().include(database=false) }} /* by tools */{% endcall %}
{% endmacro %}
{% test rows_named(model, named) %}
{{ config(fail_calc="sum(n) - 1") }}
select count(*) as n from {{ model }} where name = '{{ named }}'
{% endtest %}
