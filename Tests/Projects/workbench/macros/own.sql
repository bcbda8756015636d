{% macro note(phase, detail) %}
  insert into {{ target.schema }}_log values ('{{ phase }}', '{{ detail }}')
{% endmacro %}

{% macro cents(column, places=2) -%}
  round({{ column }} / 100.0, {{ places }})
{%- endmacro %}

{% macro default__shout(text) %}'{{ text | upper }}!'{% endmacro %}
{% macro postgres__shout(text) %}'{{ text | upper }}!!'{% endmacro %}
{% macro shout(text) %}{{ return(adapter.dispatch('shout', 'workbench')(text)) }}{% endmacro %}

{% macro columns_of(relation) %}
  {%- set names = [] -%}
  {%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
      {%- do names.append(column.name ~ ':' ~ column.data_type) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(names) }}
{% endmacro %}

{% materialization counted_table, adapter='postgres' %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set old = load_cached_relation(this) -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% if old is not none %}{% do adapter.drop_relation(old) %}{% endif %}
  {% call statement('main') -%}
    create table {{ target_relation }} as (select *, count(*) over () as total from ({{ sql }}) as q)
  {%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
