{% macro postgres__can_clone_table() %}
  {% if model.name == var('broken', none) %}{{ exceptions.raise_compiler_error('cannot clone ' ~ model.name) }}{% endif %}
  {{ return(false) }}
{% endmacro %}
