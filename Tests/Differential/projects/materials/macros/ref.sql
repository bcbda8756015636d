{# With it no model of the project is plain enough to be read without rendering. #}
{% macro ref() %}{{ return(builtins.ref(*varargs, **kwargs)) }}{% endmacro %}
