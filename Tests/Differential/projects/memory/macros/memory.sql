{% macro begin_memory() %}
  {% do graph.setdefault('memory', {'names': [], 'counts': {}}) %}
{% endmacro %}

{% macro _note(name) %}
  {% if execute %}
    {% set memory = graph.setdefault('memory', {}) %}
    {% do memory['names'].append(name) %}
    {% do memory['counts'].update({name: memory['counts'].get(name, 0) + run_query('select 2').columns[0].values()[0]}) %}
    {% do memory.setdefault('functions', {}).update({name: adapter.quote}) %}
  {% endif %}
{% endmacro %}

{% macro tell() %}
  {% if execute %}
    {% set config = builtins.ref.config %}
    {% set memory = graph['memory'] %}
    {% set facts = {
        'names': memory['names'] | sort | join(' '),
        'counts': memory.counts.items() | sort | list,
        'has': 'memory' in graph and 'other' not in graph and graph.get('other', 5) == 5,
        'keys': graph.keys() | list | length,
        'project': config.project_name ~ ' ' ~ config.version ~ ' ' ~ config.dependencies['memory'].version,
        'vars': config.vars.to_dict() | string,
        'threads': config.threads is number,
    } %}
    {% for result in results | sort(attribute='node.name') %}
      {% set node = result.node.to_dict() %}
      {% set steps = [] %}
      {% for step in result.timing %}
        {% do steps.append(step.to_dict()['name'] ~ ' ' ~ (step.to_dict()['started_at'] | length) ~ ' ' ~ (step.started_at is string)) %}
      {% endfor %}
      {% do facts.update({'result ' ~ node['unique_id']: [result.status ~ '', node.resource_type ~ '',
         result.node.name, result.node.config.materialized, result.failures, steps] | string}) %}
    {% endfor %}
    {% do run_query('drop table if exists an.told') %}
    {% set rows = [] %}
    {% for key, value in facts.items() %}
      {% do rows.append("('" ~ key ~ "', '" ~ (value | string | replace("'", '"')) ~ "')") %}
    {% endfor %}
    create table an.told (fact, value) as values {{ rows | join(', ') }}
  {% endif %}
{% endmacro %}
