{{ config(materialized='table') }}
{%- set names = run_query("select name from " ~ ref('types') ~ " order by id").columns[0].values() if execute else [] %}
select '{{ columns_of(ref('types')) | join('|') }}' as columns, {{ names | length }} as n, $${{ names }}$$ as listed,
  '{{ graph.nodes.values() | selectattr("resource_type", "equalto", "seed") | map(attribute="name") | sort | join(",") }}' as seeds,
  '{{ this.schema }}.{{ this.name }}' as own, '{{ model.unique_id }}' as uid, '{{ execute }}' as executes
