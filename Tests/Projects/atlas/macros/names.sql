{% macro atlas__helper() %}1{% endmacro %}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
  {{ (custom_alias_name or ('x_' ~ node.name ~ ('_v' ~ node.version if node.version else ''))) | trim }}
{%- endmacro %}
