{# A hook that says nothing has no file. #}
{% macro silent() -%}{%- endmacro %}
