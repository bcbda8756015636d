/// Projects that the tests write and parse.
enum SampleProjects {
  static let everything = [
    "dbt_project.yml": """
    name: shop
    version: '1.0'
    config-version: 2
    profile: shop
    vars:
      start: '2024-01-01'
      shop:
        n: 3
    on-run-start: "select 1"
    on-run-end: ["select 2", "{{ log('x') }}"]
    models:
      shop:
        +materialized: view
        +meta: {owner: a}
        staging:
          +tags: [stg, "{{ target.name }}"]
          +schema: stg
          pre-hook: "select '{{ this }}'"
          +post-hook:
            - "select 3"
            - sql: "select 4 from {{ ref('sd') }}"
              transaction: false
    seeds:
      shop:
        +quote_columns: true
    tests:
      +severity: warn
    sources:
      shop:
        +event_time: ts
    exposures:
      shop:
        +tags: [x]
    """,
    "models/staging/stg_a.sql": """
    {{ config(tags='one', meta={'x': 1}) }}
    select * from {{ source('raw','t1') }} where d > '{{ var("start") }}'

    """,
    "models/b.sql": """
    {{ config(materialized='incremental', unique_key='id') }}
    select id, '{{ my_m(1) }}' from {{ ref('stg_a') }} {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
    union all select id, name from {{ ref('sd') }}
    """,
    "models/c.sql": "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('b') }}",
    "models/off.sql": "{{ config(enabled=false) }} select 1",
    "models/batches.sql": """
    {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day',
              begin=modules.datetime.datetime(2024, 1, 2), days=[modules.datetime.date(2024, 2, 3)],
              moment={'zoned': modules.datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=modules.pytz.utc)}) }}
    select 1 as id, now() as at
    """,
    "models/late_off.sql": "select * from {{ ref('b') }} where '{{ target.schema }}' = 'an'",
    "models/empty.sql": "\n",
    "models/looping.sql": """
    {% set kinds = ['a', 'b'] %}
    {%- set ns = namespace(total=0) -%}
    select {% for kind in kinds %} '{{ kind }}' as {{ dbt.string_literal(kind) }}{% if not loop.last %},{% endif %}{% endfor %}
    from {{ ref('shop', 'b') }} where 1 = {{ var('n') }} and {{ dbt_utils_like(model.name) }}
    """,
    "models/schema.yml": """
    version: 2
    models:
      - name: stg_a
        description: "A {{ doc('da') }}"
        config: {tags: [yy]}
        columns:
          - name: id
            description: the id {{ doc('shop', 'da') }}
            data_type: integer
            quote: true
            tags: [k]
            meta: {pii: true}
            data_tests:
              - unique
              - not_null: {config: {severity: error, where: "id > 0"}}
              - relationships:
                  to: ref('b')
                  field: id
          - name: kind
            data_tests:
              - accepted_values:
                  values: ['a', 'b', 'some very long value that makes the name long']
                  quote: true
      - name: b
        meta: {level: 2}
        docs: {show: false, node_color: red}
        data_tests:
          - is_ok:
              arguments:
                n: 3
                q: "{{ var('n') }}"
              name: custom_b
          - is_ok:
              n: 4
              q: [1, {z: true}]
              config: {tags: [hot], store_failures: true, enabled: "{{ target.name == 'dev' }}", limit: 10}
              description: "checks"
          - dbt.unique: {column_name: "id || 'x'"}
          - relationships: {to: ref('off'), field: id, column_name: id}
      - name: late_off
        config: {enabled: false}
        columns: [{name: id, tests: [unique]}]
      - name: c
        config:
          group: g
          access: protected
          contract: {enforced: false}
          grants: {select: [u]}
          post-hook: "select 5"
    sources:
      - name: raw
        schema: raw_{{ target.name }}
        description: raw src
        tags: [s]
        meta: {a: 1}
        freshness: {warn_after: {count: 1, period: day}}
        loaded_at_field: ts
        quoting: {identifier: false}
        tables:
          - name: t1
            description: t one
            tags: [t]
            columns: [{name: id, data_tests: [not_null]}]
            data_tests: [{is_ok: {n: 1, q: x}}]
          - name: t2
            identifier: tee2
            freshness: null
          - name: t3
            config: {enabled: false}
          - name: t4
            loaded_at_field: other
            config: {meta: {b: 2}, freshness: {error_after: {count: 2, period: hour}, filter: "x > 1"}}
    exposures:
      - name: dash
        type: dashboard
        owner: {name: me, email: a@b.c}
        depends_on: ["ref('b')", "source('raw','t2')"]
        tags: [y]
        description: "{{ doc('da') }}!"
        maturity: high
        url: http://example.org
    groups:
      - name: g
        owner: {name: x}
    macros:
      - name: my_m
        description: mm
        arguments: [{name: x, type: integer}]
    seeds:
      - name: sd
        description: a seed
        config: {column_types: {id: bigint}}
        columns: [{name: id, data_tests: [unique]}]
    snapshots:
      - name: ysnap
        relation: ref('b')
        config: {strategy: check, unique_key: id, check_cols: all}
        columns: [{name: id, data_tests: [not_null]}]
      - name: ssnap
        relation: source('raw', 't2')
        config: {strategy: timestamp, unique_key: [id, k], updated_at: ts, schema: hist, alias: other, dbt_valid_to_current: "'9999-12-31'", snapshot_meta_column_names: {dbt_valid_to: until}}
      - name: snp
        description: snapped
    analyses:
      - name: an
        description: analysed
    data_tests:
      - name: singular
        description: lonely
        config: {severity: error}
    unit_tests:
      - name: ut1
        model: b
        overrides: {macros: {is_incremental: false}, vars: {n: 4}}
        given:
          - input: ref('stg_a')
            rows: [{id: null}, {id: 1}]
          - input: ref('sd')
        expect: {format: csv, rows: "id,x\\n1,\\n"}
    """,
    "seeds/sd.csv": "id,name\n1,a\n2,b\n",
    "macros/m.sql": """
    {% macro my_m(x) %}{{ x }}{{ dbt.type_string() }}{{ adapter.dispatch("foo")() }}{% endmacro %}
    {% macro default__foo() %}f{% endmacro %}
    {% macro dbt_utils_like(x: string, y=none) -%} '{{ x }}' = '{{ my_m(y) }}' {%- endmacro %}
    """,
    "tests/generic/is_ok.sql":
      "{% test is_ok(model, n, q) %}{{ config(severity='warn') }}select 1 from {{ model }} limit 0{% endtest %}",
    "tests/singular.sql": "{{ config(tags=['lone']) }} select * from {{ ref(\"b\") }} where false",
    "tests/deep/other.sql": "select * from {{ source('raw', 't1') }} where false",
    "models/d.md": "{% docs da %} hello {% enddocs %}\n{% docs db -%}\n# b\n{%- enddocs %}",
    "snapshots/s.sql":
      "{% snapshot snp %}{{ config(strategy=\"timestamp\", unique_key=\"id\", updated_at=\"ts\", target_schema=\"snaps\") }} select * from {{ ref(\"sd\") }} {% endsnapshot %}",
    "analyses/an.sql": "select 1 from {{ ref(\"c\") }}",
  ]

  static let packages = [
    "dbt_project.yml": """
    name: shop
    version: '1.0'
    profile: shop
    require-dbt-version: [">=1.0.0", "<3.0.0"]
    quoting: {schema: false}
    dispatch:
      - macro_namespace: lib
        search_order: [shop, lib]
    vars:
      lib: {depth: 2}
      colour: red
    models:
      +materialized: table
      lib:
        +schema: libs
        inner:
          +materialized: view
          +tags: root
    data_tests:
      lib:
        +enabled: false
    """,
    "packages.yml": "packages:\n  - local: ../lib\n",
    "macros/names.sql": """
    {% macro generate_schema_name(custom_schema_name, node) -%}
      {{ custom_schema_name if custom_schema_name else 'plain' }}_{{ node.resource_type }}
    {%- endmacro %}
    {% macro generate_alias_name(custom_alias_name=none, node=none) -%}
      {{ ('x_' ~ node.name ~ ('_v' ~ node.version if node.version else '')) | trim }}
    {%- endmacro %}
    {% macro shop__helper() %}1{% endmacro %}
    """,
    "models/top.sql":
      "select {{ lib.add(1, 2) }} from {{ ref('lib_model') }} join {{ ref('dim', v=1) }} join {{ ref('dim') }} using (id)",
    "models/dim_v1.sql": "select 1 as id, 'x' as colour",
    "models/dim.sql": "{{ config(alias='dimension') }} select 1 as id, 'x'::text as name",
    "models/fk.sql": "select 1 as id",
    "models/nested/deep/model.with.dots.sql": "select * from {{ ref('lib', 'lib_model') }}",
    "models/props.yml": """
    models:
      - name: dim
        latest_version: 2
        description: a dimension
        config: {contract: {enforced: true}, materialized: table}
        columns:
          - {name: id, data_type: int, data_tests: [unique, not_null], constraints: [{type: not_null}, {type: primary_key}]}
          - {name: name, data_type: text, constraints: [{type: check, expression: "name <> ''", name: c}]}
        constraints:
          - {type: unique, columns: [id, name]}
        data_tests:
          - lib.positive: {arguments: {column: id}}
        versions:
          - v: 1
            columns:
              - include: all
                exclude: [name]
              - {name: colour, data_type: text}
            data_tests: []
            config: {tags: [old]}
            deprecation_date: 2030-01-01
          - v: 2
            defined_in: dim
            description: second
      - name: fk
        config: {contract: {enforced: true}}
        columns:
          - name: id
            data_type: integer
            constraints: [{type: foreign_key, to: "ref('lib_model')", to_columns: [id]}]
    """,
    "dbt_packages/lib/dbt_project.yml": """
    name: lib
    version: '0.1'
    vars: {depth: 1, lib: {width: 9}}
    models:
      lib:
        +materialized: ephemeral
        +meta: {from: lib}
    on-run-end: "select '{{ var('depth') }}'"
    """,
    "dbt_packages/lib/models/inner/lib_model.sql":
      "{{ config(materialized='table', tags=['own']) }} select {{ var('depth') }} as id, {{ helper() }}",
    "dbt_packages/lib/models/inner/second.sql":
      "select * from {{ ref('lib_model') }}, {{ source('libsrc', 'one') }} where '{{ var('width') }}' > '{{ var('colour') }}'",
    "dbt_packages/lib/models/props.yml": """
    models:
      - name: lib_model
        description: "{{ doc('about') }}"
        data_tests: [positive: {arguments: {column: id}}]
    sources:
      - name: libsrc
        database: other
        tables: [{name: one, columns: [{name: id, data_tests: [unique]}]}]
    """,
    "dbt_packages/lib/models/about.md": "{% docs about %}from lib{% enddocs %}",
    "dbt_packages/lib/macros/lib.sql": """
    {% macro add(a, b) %}{{ a }} + {{ b }} + {{ lib.helper() }}{% endmacro %}
    {% macro helper() %}{{ return(adapter.dispatch('helper', 'lib')()) }}{% endmacro %}
    {% macro default__helper() %}0{% endmacro %}
    {% test positive(model, column) %}select * from {{ model }} where {{ column }} <= 0{% endtest %}
    """,
  ]

  static let semantics = [
    "models/orders.sql": "select 1 as id, current_date as day, 5 as amount",
    "models/days.sql": "select current_date as day",
    "models/s.yml": """
    models:
      - name: days
        time_spine: {standard_granularity_column: day}
        columns: [{name: day, granularity: day}]
    semantic_models:
      - name: orders
        description: each order
        model: ref('orders')
        defaults: {agg_time_dimension: ordered_at}
        entities: [{name: order_key, type: primary, expr: id}]
        dimensions: [{name: ordered_at, type: time, expr: day, type_params: {time_granularity: day}}]
        measures: [{name: amount, agg: sum}, {name: placed, agg: count, expr: "1", config: {meta: {x: 1}}}]
    metrics:
      - {name: total, label: Total, type: simple, type_params: {measure: amount}, filter: "{{ Dimension('order_key__ordered_at') }} > '2024'"}
      - {name: share, label: Share, type: ratio, type_params: {numerator: total, denominator: {name: total, alias: others}}}
      - name: growth
        label: Growth
        type: derived
        type_params: {expr: now - before, metrics: [{name: total, alias: now}, {name: total, alias: before, offset_window: 1 month}]}
      - name: running
        label: Running
        type: cumulative
        type_params: {measure: amount, cumulative_type_params: {window: 7 days}}
    saved_queries:
      - name: daily
        query_params:
          metrics: [total]
          group_by: ["TimeDimension('metric_time', 'day')"]
          where: ["{{ Dimension('order_key__ordered_at') }} > '2024'"]
        exports: [{name: daily_export, config: {export_as: table, alias: ee}}]
    """,
    "seeds/windows.csv": "\u{FEFF}id,name\r\n1,a\r\n",
    "macros/windows.sql":
      "{% macro one() -%}\r\n1\r\n{%- endmacro %}\r\n\r\n{%- macro two() -%} 2 {%- endmacro -%}\r\n",
  ]
}
