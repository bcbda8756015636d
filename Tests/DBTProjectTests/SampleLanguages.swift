extension SampleProjects {
  /// Models in Python beside SQL, configurations that are more than literals, macros with odd names.
  static let languages = [
    "models/py/scored.py": """
    import pandas as pd


    def model(dbt, session):
        dbt.config(
            tags=["x"], meta={"owner": "a"},  # as written
        )
        orders = dbt.ref("orders")
        raw = dbt.source("raw", "t1")
        limit = dbt.config.get("limit", 3)
        name = dbt.config.meta_get("owner")
        return orders.union(raw).limit(limit)

    """,
    "models/orders.sql": """
    {{ config(tags=['a' if target.name in ['dev', 'x'] else 'b'], meta={'n': 1,}, enabled=var('on', true) | as_bool) }}
    select {{ shop._hidden() }}, {{ _plain() }} as n
    """,
    "models/after.sql": "select * from {{ ref('scored') }}",
    "models/p.yml": """
    sources: [{name: raw, tables: [{name: t1}]}]
    models:
      - name: scored
        description: in Python
        config: {limit: 5}
        columns: [{name: id, data_tests: [not_null]}]
    """,
    "macros/m.sql": """
    {% macro _hidden() %}1{% endmacro %}
    {% macro _plain() %}{{ shop._plain() if false else dbt.type_int() }}{% endmacro %}
    {% macro run_query(sql) %}{{ dbt.run_query(sql) }}{% endmacro %}
    """,
  ]
}
