{% macro postgres__label(value) %}'root ' || {{ value }}{% endmacro %}
{% macro note(text) %}select '{{ text }}'{% endmacro %}
{% macro generate_schema_name(custom_schema_name, node) %}{{ target.schema }}{% if custom_schema_name %}_x_{{ custom_schema_name }}{% endif %}{% endmacro %}
{% macro default__current_timestamp() %}timestamp '2024-01-01 00:00:00'{% endmacro %}
{% macro postgres__current_timestamp() %}timestamp '2024-01-02 00:00:00'{% endmacro %}
{% macro count_ports() %}
  {% set found = run_query('select count(*) as n from ' ~ ref('ports', 'berths')) %}
  {% do log('ports: ' ~ found.columns[0].values()[0], info=true) %}
  {% do run_query('create table if not exists ' ~ target.schema ~ '.counted as select ' ~ found.rows[0]['n'] ~ ' as n') %}
{% endmacro %}
