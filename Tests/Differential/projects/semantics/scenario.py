"""Semantic models in both forms, metrics of every kind, saved queries and time spines, which run nothing but stand in the artifacts."""

from compare import Edit, dbt

QUERY = """
saved_queries:
  - {name: daily, query_params: {metrics: [%s]}, exports: []}
"""

STEPS = [
    dbt("build"),
    dbt("build", "--select", "+saved_query:weekly"),
    dbt("run", "--select", "+metric:visits_so_far", "+exposure:board"),
    dbt("compile", "--select", "semantic_model:sales+"),
    Edit("models/more.yml", QUERY % "visitors"),
    dbt("build", "--select", "tag:exported"),
    Edit("models/more.yml", QUERY % "nothing"),
    dbt("parse", code=2),
    Edit("models/more.yml", None),
    Edit("models/told.sql", """{% set each = metric('revenue_per_order') %}
select '{{ each }}' as name, '{{ each.label }}' as label, '{{ each.base_metric_dependency() | sort | join(", ") }}' as bases,
  '{{ each.derived_metric_dependency_depth()[0]['revenue_per_order'] }}' as depth"""),
    dbt("build", "--select", "+told"),
    Edit("models/told.sql", "select '{{ metric('semantics', 'nothing') }}' as name"),
    dbt("parse", code=2),
    Edit("models/told.sql", None),
    # dbt keeps the relations that the catalog is asked for in a Python set.
    dbt("docs", "generate", statements=False),
]
