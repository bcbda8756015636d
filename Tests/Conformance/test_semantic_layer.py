"""Semantic models, metrics and saved queries, beside dbt's own: the same lines and codes, the same resources, the same
semantic manifest and the same document for other tools (Open Semantic Interchange).

Each case is a base of good properties with some of its parts taken out or put in otherwise.
"""

from __future__ import annotations

import json

import pytest

import conformance
import test_command_line

pytestmark = [
    pytest.mark.module("semantic_layer"),
    pytest.mark.skipif(conformance.DRIVES_DBT, reason="compares dbt with our executable"),
]

SPINE = """
models:
  - name: days
    time_spine: {standard_granularity_column: day, custom_granularities: [{name: fiscal, column_name: fiscal_year}, {name: retail}]}
    columns: [{name: day, granularity: day}, {name: fiscal_year}, {name: retail}]
"""

# The older form: semantic models with measures, metrics with `type_params`.
ENTITIES = "[{name: order, type: primary, expr: id}, {name: buyer, type: foreign, role: who, label: Buyer, description: who buys, config: {meta: {e: 1}}}]"
DIMENSIONS = """
      - {name: at, type: time, expr: ordered_at, type_params: {time_granularity: day}, label: At, description: when}
      - {name: region, type: categorical, is_partition: true, config: {meta: {d: 1}}}
"""
MEASURES = """
      - {name: orders, agg: count, expr: 1, description: how many}
      - {name: amount, agg: SUM, label: Amount, create_metric: true, config: {meta: {m: 1}}}
      - {name: late, agg: sum_boolean, expr: true}
      - {name: middle, agg: percentile, expr: amount, agg_params: {percentile: 0.5, use_discrete_percentile: true}}
      - {name: stock, agg: max, non_additive_dimension: {name: at, window_choice: max, window_groupings: [buyer]}}
"""
MODEL = """
semantic_models:
  - name: sales
    model: ref('orders')
    description: "{{ doc('words') }}"
    label: Sales
    config: {meta: {owner: me}, group: team}
    defaults: {agg_time_dimension: at}
    entities: ENTITIES
    dimensions: DIMENSIONS
    measures: MEASURES
groups: [{name: team, owner: {name: me}}]
"""
METRICS = """
  - {name: count, type: simple, label: Orders, type_params: {measure: orders}, config: {meta: {a: 1}}, tags: [t]}
  - name: big
    type: simple
    label: Big
    description: "{{ doc('words') }}"
    filter: "{{ Dimension('order__region') }} = 'x' and {{ TimeDimension('order__at', 'month') }} > '2020-01-01'"
    type_params: {measure: {name: amount, filter: ["{{ Entity('buyer') }} > 1", "1 = 1"], alias: big_amount, join_to_timespine: true, fill_nulls_with: 0}}
  - {name: ratio, type: ratio, label: Ratio, type_params: {numerator: amount, denominator: {name: count, alias: c1, filter: "{{ Metric('count', group_by=['buyer']) }} > 2"}}}
  - name: growth
    type: DERIVED
    label: Growth
    type_params: {expr: now - before + amount, metrics: [{name: count, alias: now}, {name: count, alias: before, offset_window: 2 Months}, {name: amount, offset_to_grain: month}]}
  - {name: running, type: cumulative, label: Running, type_params: {measure: orders, cumulative_type_params: {window: 7 days, period_agg: last}}}
  - {name: to_date, type: cumulative, label: To date, time_granularity: week, type_params: {measure: orders, cumulative_type_params: {grain_to_date: month}}}
  - name: turned
    type: conversion
    label: Turned
    type_params: {conversion_type_params: {base_measure: orders, conversion_measure: {name: orders}, entity: buyer, window: 1 Weeks, calculation: conversions, constant_properties: [{base_property: region, conversion_property: region}]}}
"""
QUERIES = """
saved_queries:
  - name: weekly
    description: "{{ doc('words') }}"
    label: Weekly
    tags: later
    config: {tags: [first], cache: {enabled: true}, export_as: table, schema: kept}
    query_params:
      metrics: [count, ratio]
      group_by: ["TimeDimension('metric_time', 'week')", "Dimension('order__region')", "Entity('buyer')"]
      where: ["{{ Dimension('order__region') }} = 'x'"]
      order_by: ["Metric('count')", "Dimension('order__region').descending(True)"]
      limit: 3
    exports: [{name: one, config: {export_as: view, alias: other}}, {name: two}, {name: three, config: {export_as: view, schema: mine, database: dbt}}]
"""

# The newer form: properties of the model and its columns.
NEW = """
models:
  - name: orders
    description: all orders
    semantic_model: SEMANTIC
    agg_time_dimension: at
    primary_entity: PRIMARY
    columns: COLUMNS
    derived_semantics:
      dimensions: DERIVED
      entities: [{name: pair, type: unique, expr: id || buyer, description: both, config: {meta: {x: 1}}}]
    metrics: METRICS
METRICS_APART
"""
COLUMNS = """
      - {name: id, entity: {name: order, type: primary, description: one order}}
      - {name: buyer, entity: foreign, description: who, config: {meta: {c: 1}}}
      - {name: ordered_at, granularity: day, dimension: {name: at, type: time, label: At, config: {meta: {c: 2}}}}
      - {name: since, granularity: day, dimension: {name: since, type: time}}
      - {name: region, dimension: categorical, description: where}
"""
DERIVED = "[{name: upper, type: categorical, expr: upper(region), label: Upper}, {name: moment, type: time, expr: \"date_trunc('day', ordered_at)\", granularity: day}]"
NEW_METRICS = """
      - {name: count, agg: count, expr: 1, type: simple, description: "{{ doc('words') }}"}
      - {name: amount, type: simple, agg: sum, expr: amount, label: Amount, hidden: true, join_to_timespine: true, fill_nulls_with: 0, filter: "{{ Dimension('order__region') }} = 'x'"}
      - {name: middle, type: simple, agg: percentile, percentile: 0.5, percentile_type: Discrete, expr: amount}
      - {name: last, type: simple, agg: max, expr: amount, non_additive_dimension: {name: at, window_agg: max, group_by: [buyer]}, config: {meta: {m: 1}}}
      - {name: running, type: cumulative, input_metric: count, window: 7 days, period_agg: last}
"""
APART = """
metrics:
  - {name: ratio, type: ratio, numerator: amount, denominator: {name: count, alias: c1}}
  - {name: growth, type: derived, expr: now - before, input_metrics: [{name: count, alias: now}, {name: count, alias: before, offset_window: 1 month}]}
  - {name: turned, type: conversion, base_metric: count, conversion_metric: count, entity: buyer, calculation: conversion_rate, window: 7 days}
  - {name: to_date, type: cumulative, input_metric: {name: count}, grain_to_date: month}
"""

ROOT = "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n"


def files(properties: str, more: str = "", extra: dict | None = None) -> dict:
    return {
        "dbt_project.yml": ROOT + more, "profiles.yml": test_command_line.PROJECT["profiles.yml"],
        "models/orders.sql": "select 1 as id, 2 as buyer, now() as ordered_at, 'x' as region, 3 as amount, now() as since",
        "models/days.sql": "select current_date as day, 1 as fiscal_year, 2 as retail",
        "models/words.md": "{% docs words %}some words{% enddocs %}",
        "models/spine.yml": SPINE, "models/layer.yml": properties, **(extra or {}),
    }


def exposure(reference: str) -> str:
    """Properties of an exposure that reads what is referenced."""
    return f"exposures: [{{name: e, type: dashboard, owner: {{name: me}}, depends_on: [\"{reference}\"]}}]"


def function_of(member: str) -> str:
    """Properties of the function `gone` with one member more."""
    return f"functions: [{{name: gone, {member}, arguments: [{{name: n, data_type: int}}], returns: {{data_type: int}}}}]"


def old(*changes: tuple, model=MODEL, metrics=METRICS, queries=QUERIES, more="", extra=None) -> dict:
    """The older form, with texts replaced: each must stand in it."""
    text = model.replace("ENTITIES", ENTITIES).replace("DIMENSIONS", DIMENSIONS).replace("MEASURES", MEASURES)
    return files(changed(text + ("metrics:" + metrics if metrics else "") + queries, changes), more, extra)


def new(*changes: tuple, apart=APART, more="", extra=None) -> dict:
    """The newer form."""
    text = (NEW.replace("COLUMNS", COLUMNS).replace("DERIVED", DERIVED).replace("METRICS_APART", apart)
            .replace("METRICS", NEW_METRICS))
    if not any(place == "SEMANTIC" for place, _ in changes):
        text = text.replace("SEMANTIC", "true")
    if not any(place == "PRIMARY" for place, _ in changes):
        text = text.replace("primary_entity: PRIMARY", "")
    return files(changed(text, changes), more, extra)


def changed(text: str, changes: tuple) -> str:
    for place, other in changes:
        assert place in text, place
        text = text.replace(place, other)
    return text


NO_SPINE = {"models/spine.yml": ""}
EPHEMERAL = "{{ config(materialized='ephemeral') }} select current_date as day, 1 as fiscal_year, 2 as retail"
FORMER = {"models/spine.yml": "", "models/metricflow_time_spine.sql": "select current_date as date_day"}

CASES = {
    "old": old(),
    "new": new(),
    # Without metrics or without semantic models nothing is checked.
    "models_only": old(metrics="", queries=""),
    "metrics_only": files("metrics: [{name: derived, type: derived, label: D, type_params: {expr: '1', metrics: []}}]"),
    "no_spine": old(extra=NO_SPINE),
    "no_spine_models_only": old(metrics="", queries="", extra=NO_SPINE),
    "former_spine": old(extra=FORMER),
    "ephemeral_spine": old(extra={"models/days.sql": EPHEMERAL}),
    "former_ephemeral_spine": old(extra={**NO_SPINE, "models/metricflow_time_spine.sql": EPHEMERAL}),
    "coarse_spine": old(extra={"models/spine.yml": SPINE.replace("granularity: day", "granularity: month")}),
    "spine_no_column": old(extra={"models/spine.yml": SPINE.replace("standard_granularity_column: day", "standard_granularity_column: nothing")}),
    "spine_no_granularity": old(extra={"models/spine.yml": SPINE.replace(", granularity: day", "")}),
    "spine_no_custom": old(extra={"models/spine.yml": SPINE.replace(", {name: fiscal_year}", "")}),
    "spine_odd_granularity": old(extra={"models/spine.yml": SPINE.replace("granularity: day", "granularity: daily")}),
    # Configuration by folder, disabled resources.
    "configured": old(more="semantic-models: {shop: {+meta: {from: root}}}\nmetrics: {shop: {+meta: {from: root}, count: {+group: team}}}\n"
                           "saved-queries: {shop: {+export_as: view, +schema: root, +tags: [root]}}\n"),
    "disabled_model": old(("meta: {owner: me}", "enabled: false")),
    "disabled_metric": old(("config: {meta: {a: 1}}", "config: {enabled: false}")),
    "disabled_metric_of_query": old(
        ("config: {meta: {a: 1}}", "config: {enabled: false}"),
        metrics="\n  - {name: count, type: simple, label: Orders, type_params: {measure: orders}, config: {meta: {a: 1}}}\n"
                "  - {name: big, type: simple, label: Orders, type_params: {measure: orders}}\n"),
    "disabled_query": old(("cache: {enabled: true}", "enabled: false")),
    "disabled_orders": old(extra={"models/o.yml": "models: [{name: orders, config: {enabled: false}}]"}),
    "odd_group": old(("group: team", "group: nobody")),
    "odd_query_config": old(("export_as: table", "export_as: nothing")),
    # What a name leads to.
    "unknown_ref": old(("ref('orders')", "ref('nothing')")),
    "odd_ref": old(("ref('orders')", "orders")),
    "unknown_measure": old(("type_params: {measure: orders}, config", "type_params: {measure: nothing}, config")),
    "unknown_metric": old(("numerator: amount", "numerator: nothing")),
    "unknown_input": old(("metrics: [{name: count, alias: now}", "metrics: [{name: nothing, alias: now}")),
    "unknown_of_query": old(("metrics: [count, ratio]", "metrics: [count, nothing]")),
    "unknown_of_model": old(extra={"models/u.sql": "select '{{ metric('nothing') }}' as name"}),
    "unknown_of_test": old(extra={"tests/u.sql": "select '{{ metric('nothing') }}' as name where false"}),
    "unknown_of_exposure": old(extra={"models/e.yml": exposure("metric('nothing')")}),
    "unknown_node": old(extra={"models/u.sql": "select * from {{ ref('nothing') }}"}),
    "unknown_node_of_exposure": old(extra={"models/e.yml": exposure("ref('nothing')")}),
    "disabled_of_exposure": old(("config: {meta: {a: 1}}", "config: {enabled: false}"), metrics="""
  - {name: count, type: simple, label: Orders, type_params: {measure: orders}, config: {meta: {a: 1}}}
  - {name: other, type: simple, label: Orders, type_params: {measure: orders}}
""", queries="", extra={
        "models/e.yml": exposure("metric('count')")}),
    "disabled_source_of_exposure": old(extra={
        "models/off.yml": "sources: [{name: s, tables: [{name: t, config: {enabled: false}}]}]",
        "models/e.yml": exposure("source('s', 't')")}),
    "version_of_exposure": old(extra={
        "models/e.yml": exposure("ref('orders', version=3)")}),
    "package_of_exposure": old(extra={
        "models/e.yml": exposure("metric('other', 'count')")}),
    # Sources before nodes, nodes before metrics, metrics before functions, whatever asks for them.
    "source_of_exposure_first": old(extra={
        "models/u.sql": "select * from {{ ref('nothing') }}",
        "models/e.yml": exposure("source('s', 't')")}),
    "node_of_exposure_first": old(extra={
        "models/u.sql": "select '{{ metric('nothing') }}' as name, {{ function('nothing') }}(1) as id",
        "models/e.yml": exposure("ref('nothing')")}),
    "metric_before_function": old(extra={
        "models/u.sql": "select '{{ metric('nothing') }}' as name, {{ function('nothing') }}(1) as id"}),
    "unknown_function": old(extra={"models/u.sql": "select {{ function('nothing') }}(1) as id"}),
    "functions": old(extra={
        "functions/one.sql": "select n + 1", "functions/gone.sql": "{{ config(enabled=false) }} select n",
        "functions/f.yml": "functions: [{name: one, arguments: [{name: n, data_type: int}], returns: {data_type: int}}, "
                           "{name: gone, arguments: [{name: n, data_type: int}], returns: {data_type: int}}]",
        "models/u.sql": "select {{ function('one') }}(1) as id, {{ function('shop', 'one') }}(2) as other",
        "tests/a.sql": "select {{ function('one') }}(1) where false"}),
    "disabled_function": old(extra={
        "functions/gone.sql": "select n",
        "functions/f.yml": function_of("config: {enabled: false}"),
        "models/u.sql": "select {{ function('gone') }}(1) as id"}),
    "functions_in_tests": old(extra={
        "functions/gone.sql": "select n",
        "functions/f.yml": function_of("config: {enabled: false}"),
        "tests/a.sql": "select {{ function('gone') }}(1) where false"}),
    "functions_enabled_apart": old(extra={
        "functions/gone.sql": "{{ config(enabled=false) }} select n",
        "functions/f.yml": function_of("config: {enabled: true}"),
        "models/u.sql": "select {{ function('gone') }}(1) as id"}),
    "functions_apart_in_tests": old(extra={
        "functions/gone.sql": "{{ config(enabled=false) }} select n",
        "functions/f.yml": function_of("description: d"),
        "tests/a.sql": "select {{ function('gone') }}(1) where false"}),
    "function_missing_in_tests": old(extra={"tests/a.sql": "select {{ function('nothing') }}(1) where false"}),
    # dbt reads files in no order: one of each kind.
    "missing_in_tests": old(extra={
        "tests/a.sql": "select * from {{ ref('nothing') }}", "tests/b.sql": "select * from {{ source('s', 'nothing') }}",
        "tests/c.sql": "select '{{ metric('shop', 'nothing') }}' as name"}),
    "disabled_in_tests": old(("config: {meta: {a: 1}}", "config: {enabled: false}"), metrics="""
  - {name: count, type: simple, label: Orders, type_params: {measure: orders}, config: {meta: {a: 1}}}
  - {name: other, type: simple, label: Orders, type_params: {measure: orders}}
""", queries="", extra={
        "models/off.sql": "{{ config(enabled=false) }} select 1 as id",
        "models/off.yml": "sources: [{name: s, tables: [{name: t, config: {enabled: false}}]}]",
        "tests/a.sql": "select * from {{ ref('off') }}", "tests/b.sql": "select * from {{ source('s', 't') }}",
        "tests/c.sql": "select '{{ metric('count') }}' as name"}),
    "named_by_model": old(extra={"models/u.sql": "select '{{ metric('count') }}' as a, '{{ metric('shop', 'ratio') }}' as b"}),
    "same_metric": old(("- {name: ratio,", "- {name: count,")),
    "same_model": old(model=MODEL + "", queries=QUERIES, metrics=METRICS, extra={
        "models/again.yml": "semantic_models: [{name: sales, model: ref('days')}]"}),
    "created_twice": old(("- {name: count,", "- {name: amount,")),
    "circle": old(("numerator: amount", "numerator: growth"), ("{name: amount, offset_to_grain: month}", "{name: ratio}")),
    "no_measure": old(("type_params: {measure: orders}, config", "type_params: {expr: '1'}, config")),
    "ratio_without": old(("numerator: amount, ", "")),
    "conversion_without": old(("{conversion_type_params: {base_measure: orders, conversion_measure: {name: orders}, entity: buyer, window: 1 Weeks, calculation: conversions, "
                               "constant_properties: [{base_property: region, conversion_property: region}]}}", "{expr: '1'}")),
    # What a value may be.
    "odd_window": old(("window: 7 days", "window: seven days")),
    "one_word_window": old(("window: 7 days", "window: week")),
    "custom_window": old(("window: 1 Weeks", "window: 1 fiscal")),
    "sum_conversion": old(("conversion_measure: {name: orders}", "conversion_measure: amount")),
    "minus": old(("\"Metric('count')\"", "\"-Metric('count')\"")),
    "same_alias": old(("numerator: amount", "numerator: big")),
    "unused_input": old(("before + amount", "before")),
    "odd_period": old(("period_agg: last", "period_agg: middle")),
    "odd_calculation": old(("calculation: conversions", "calculation: guess")),
    "odd_type": old(("type: DERIVED", "type: guessed")),
    "odd_agg": old(("agg: SUM", "agg: total")),
    "odd_entity": old(("type: foreign", "type: strange")),
    "odd_dimension": old(("type: categorical", "type: kind")),
    "odd_granularity": old(("time_granularity: day", "time_granularity: daily")),
    "former_grain": old(("cumulative_type_params: {grain_to_date: month}", "grain_to_date: daily")),
    "former_cumulative": old(("cumulative_type_params: {grain_to_date: month}", "grain_to_date: month")),
    "no_label": old(("label: Orders, ", "")),
    "extra_key": old(("label: Orders, ", "label: Orders, colour: red, shade: dark, ")),
    "extra_below": old(("measure: {name: amount,", "measure: {name: amount, colour: red,")),
    "number_for_text": old(("label: Orders", "label: 3")),
    "text_for_list": old(("tags: [t]", "tags: t")),
    "no_type_of_entity": old(("{name: order, type: primary, expr: id}", "{name: order}")),
    "no_agg": old(("agg: count, ", "")),
    "no_query_params": old(("    query_params:\n", "    query_parameters:\n")),
    "limit_text": old(("limit: 3", "limit: three")),
    "no_model": old(("    model: ref('orders')\n", "")),
    "name_of_metric": old(("name: running,", "name: 7_ünning day,")),
    "export_config": old(("{name: two}", "{name: two, config: {export_as: cube}}")),
    "no_export_as": old((", export_as: table", "")),
    "float_fill": old(("fill_nulls_with: 0", "fill_nulls_with: 0.5")),
    # What the semantic manifest's own checks find.
    "unknown_time": old(("defaults: {agg_time_dimension: at}", "defaults: {agg_time_dimension: nothing}")),
    "no_primary": old(("{name: order, type: primary, expr: id}, ", "")),
    "odd_filter": old(("{{ Entity('buyer') }} > 1", "{{ Entity( }}")),
    "odd_names": old(("name: region, type", "name: Region Of, type")),
    "no_granularity": old((", type_params: {time_granularity: day}", "")),
    # The newer form.
    "new_off": new(("SEMANTIC", "false")),
    "new_named": new(("SEMANTIC", "{name: named, enabled: true, group: team, config: {meta: {s: 1}}}"),
                     extra={"models/g.yml": "groups: [{name: team, owner: {name: me}}]"}),
    "new_not_enabled": new(("SEMANTIC", "{enabled: false}")),
    "new_odd_config": new(("SEMANTIC", "{nmae: x}")),
    "new_primary": new(("PRIMARY", "order"), ("entity: {name: order, type: primary, description: one order}", "description: one")),
    "new_apart_simple": new(apart="metrics: [{name: m, type: simple, agg: sum, expr: amount}]"),
    "new_no_agg": new(("agg: sum, expr: amount, label: Amount", "expr: amount, label: Amount")),
    "new_no_type": new(("{name: ratio, type: ratio,", "{name: ratio,")),
    "new_time_without": new(("{name: ordered_at, granularity: day,", "{name: ordered_at,")),
    "new_validity": new(("{name: since, type: time}", "{name: since, type: time, validity_params: {is_start: true}}")),
    "new_derived_validity": new(("label: Upper}", "label: Upper, validity_params: {is_start: true}}")),
    "new_no_input": new(("input_metric: count, window", "window")),
    "new_no_entity": new(("entity: buyer, calculation", "calculation")),
    "new_no_calculation": new((", calculation: conversion_rate", "")),
    "new_ratio_without": new(("numerator: amount, ", "")),
    "new_unknown_input": new(("input_metric: {name: count}", "input_metric: nothing")),
    "new_odd_agg": new(("agg: max", "agg: most")),
    "new_odd_entity": new(("entity: foreign", "entity: strange")),
    "new_odd_dimension": new(("dimension: categorical", "dimension: kind")),
    "new_odd_granularity": new(("ordered_at)\", granularity: day", "ordered_at)\", granularity: daily")),
    "new_extra": new(("hidden: true", "hidden: true, colour: red")),
}

# Where ours says on purpose what dbt does not: the code of ours, and what it says.
OWN_WORDS = {
    # dbt shows a validation error of its Python library.
    "odd_ref": (2, "semantic model sales does not fit the semantic manifest: node_relation: must not be null"),
    "ephemeral_spine": (2, "The time spine 'days' is ephemeral: it has no relation that metrics could be joined to."),
    "former_ephemeral_spine": (2, "The time spine 'metricflow_time_spine' is ephemeral: it has no relation that metrics could be joined to."),
    # dbt parses it, and finds the circle with the first command that needs the graph.
    "circle": (2, "Metrics are computed from each other in a circle: ratio --> growth --> ratio"),
    # dbt prints the whole metric as Python shows it.
    "no_measure": (2, "Simple metric count should have a measure or agg type defined, but it does not."),
    "new_no_agg": (2, "Simple metric amount should have a measure or agg type defined, but it does not."),
    "new_apart_simple": (2, "{'name': 'm', 'type': 'simple', 'agg': 'sum', 'expr': 'amount'} - simple metrics in v2 YAML must be "
                            "attached to semantic_model"),
    # dbt shows a KeyError of its own.
    "new_no_type": (2, "at path []: Simple metrics must have an agg param."),
    # dbt adds a Python traceback.
    "odd_filter": (2, "An error occurred while trying to parse filter of measure input `amount` on metric `big`"),
    # dbt forgets what its deprecation is about.
    "no_granularity": (0, "In semantic model `sales`, time dimension `at` must have a time granularity set."),
    "new_time_without": (0, "In semantic model `orders`, time dimension `at` must have a time granularity"),
}

# Of each form and kind of fault one.
FAST = {"old", "new", "no_spine", "unknown_measure", "unknown_node", "extra_below", "unknown_time", "new_no_calculation"}


@pytest.mark.parametrize("project", [
    pytest.param(project, id=name, marks=[pytest.mark.fast] if name in FAST else [])
    for name, project in CASES.items() if name not in OWN_WORDS])
def test_means_what_dbt_means(project, tmp_path_factory):
    folders = test_command_line.place(project, tmp_path_factory)
    test_command_line.compare(folders, "parse")
    ours, dbts = (written(folders[whose], whose) for whose in ("ours", "dbts"))
    assert ours == dbts


@pytest.mark.parametrize("name", OWN_WORDS)
def test_says_it_in_words_of_its_own(name, tmp_path_factory):
    folders = test_command_line.place(CASES[name], tmp_path_factory)
    code, words = OWN_WORDS[name]
    dbt, ours = (test_command_line.run_as(folders, whose, "parse") for whose in ("dbts", "ours"))
    assert ours[0] == code and dbt[0] == (0 if name == "circle" else code)
    assert words in "\n".join(ours[1])
    assert words not in "\n".join(dbt[1]) or name == "odd_filter"
    if code == 0:
        assert written(folders["ours"], "ours") == written(folders["dbts"], "dbts")


def written(folder, whose: str) -> dict:
    """What stands in the target folder of semantic models, metrics, saved queries and time spines."""
    found = {}
    for name in ("semantic_manifest.json", "osi_document.json", "manifest.json"):
        path = folder / "target" / name
        if path.exists():
            found[name] = json.loads(test_command_line.without_schema(path.read_text(), whose))
    manifest = found.get("manifest.json", {})
    found["manifest.json"] = {
        kind: {
            name: timeless(entry) for name, entry in sorted(manifest[kind].items())
            if kind != "nodes" or name.startswith("model.shop.")}
        for kind in ("semantic_models", "metrics", "saved_queries", "disabled", "parent_map", "nodes") if kind in manifest}
    return found


def timeless(value):
    """Without the times at which resources were made, and what follows from the schema's name."""
    if isinstance(value, list):
        return [timeless(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {key: timeless(entry) for key, entry in value.items() if key not in ("created_at", "root_path")}
