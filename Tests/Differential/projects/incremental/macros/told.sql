{% macro told(results) %}
{% for result in results if result.node.resource_type == 'model' %}
-- {{ result.node.name }} {{ result.node.config.full_refresh }} {{ result.node.config.no_such_key }} {{ result.node.config.get('meta') }} {{ result.node.deprecation_date }} {{ graph.nodes[result.node.unique_id].depends_on.macros | sort }}
{% endfor %}
{% endmacro %}

{# Nothing but the run itself finds out who calls it. #}
{% macro only_when_run() %}1{% endmacro %}
