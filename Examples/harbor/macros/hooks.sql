{#- The registry stands for a table that another system owns: the project only reads it, as a source. -#}
{% macro open_registry() %}
  create schema if not exists {{ target.schema }}_registry;
  create table if not exists {{ target.schema }}_registry.flag_states (
    flag varchar(2) primary key, state_name text not null, is_open_registry boolean not null
  );
  insert into {{ target.schema }}_registry.flag_states values
    ('NL', 'Netherlands', false), ('GR', 'Greece', false), ('PA', 'Panama', true),
    ('LR', 'Liberia', true), ('MH', 'Marshall Islands', true)
  on conflict do nothing;
{% endmacro %}

{% macro close_logbook(results) %}
  {%- if execute -%}
    create table if not exists {{ target.schema }}_registry.logbook (node text, status text);
    truncate {{ target.schema }}_registry.logbook;
    {%- for result in results if result.node.resource_type == 'model' %}
    insert into {{ target.schema }}_registry.logbook values ('{{ result.node.name }}', '{{ result.status }}');
    {%- endfor %}
  {%- endif -%}
{% endmacro %}
