"""The semantic manifests of the differential test: written ones that reach every message, and random mutants of them."""

import json
import random


def relation(alias, **more):
    return {"alias": alias, "schema_name": "public", "database": "harbour", "relation_name": f'"harbour"."public"."{alias}"', **more}


def metadata(path):
    return {
        "repo_file_path": path,
        "file_slice": {"filename": path.split("/")[-1], "content": "name: ü\n\"quoted\"", "start_line_number": 3, "end_line_number": 9},
    }


def time(name, grain="day", **more):
    validity = more.pop("validity", None)
    return dimension(name, type="time", type_params={"time_granularity": grain, "validity_params": validity}, **more)


def dimension(name, **more):
    return {
        "name": name, "type": "categorical", "description": None, "label": None, "is_partition": False,
        "type_params": None, "expr": None, "metadata": None, "config": None, **more,
    }


def entity(name, type="foreign", **more):
    return {"name": name, "type": type, "description": None, "label": None, "role": None, "expr": None, "config": None, **more}


def measure(name, agg="sum", **more):
    return {
        "name": name, "agg": agg, "description": None, "label": None, "create_metric": False, "expr": None,
        "agg_params": None, "non_additive_dimension": None, "agg_time_dimension": None, "config": None, **more,
    }


def model(name, entities=(), dimensions=(), measures=(), **more):
    return {
        "name": name, "resource_type": "semantic_model", "package_name": "port", "path": "models/port.yml",
        "original_file_path": "models/port.yml", "unique_id": f"semantic_model.port.{name}", "fqn": ["port", name],
        "model": f"ref('{name}')", "node_relation": relation(name), "description": f"What {name} holds",
        "label": None, "defaults": {"agg_time_dimension": "day_of"}, "entities": list(entities),
        "measures": list(measures), "dimensions": list(dimensions), "metadata": None,
        "depends_on": {"macros": [], "nodes": [f"model.port.{name}"]}, "refs": [], "created_at": 1.5,
        "config": {"enabled": True, "group": None, "meta": {}}, "unrendered_config": {}, "primary_entity": None,
        "group": None, **more,
    }


def ships(**more):
    return model(
        "ships",
        [entity("ship", "primary", expr="ship_id"), entity("port", expr="port_id")],
        [time("day_of"), dimension("flag", expr="upper(flag)", label="Flag"), time("built", "month")],
        [measure("tonnage", description="Tons"), measure("ships_seen", "count", expr="1")],
    ) | more


def calls(**more):
    return model(
        "calls",
        [entity("call", "primary"), entity("ship", expr="ship_id"), entity("port", "unique", expr="port_code")],
        [time("day_of"), dimension("kind")],
        [measure("fees", expr="fee"), measure("calls", "count", expr="call_id"), measure("late", "sum_boolean", expr="is_late")],
    ) | more


def params(**more):
    return {
        "measure": None, "input_measures": [], "numerator": None, "denominator": None, "expr": None, "window": None,
        "grain_to_date": None, "metrics": [], "conversion_type_params": None, "cumulative_type_params": None,
        "metric_aggregation_params": None, "join_to_timespine": False, "fill_nulls_with": None, "is_private": False,
        **more,
    }


def metric(name, type="simple", filter=None, meta=None, **more):
    top = {key: more.pop(key) for key in ("label", "description", "datatype", "time_granularity", "metadata") if key in more}
    return {
        "name": name, "resource_type": "metric", "package_name": "port", "unique_id": f"metric.port.{name}",
        "description": "", "label": name.title(), "type": type, "type_params": params(**more), "filter": where(filter),
        "metadata": None, "time_granularity": None, "config": {"enabled": True, "group": None, "meta": meta or {}},
        "meta": meta or {}, "tags": [], "depends_on": {"macros": [], "nodes": []}, "created_at": 1.5, **top,
    }


def where(filter):
    if filter is None or isinstance(filter, dict):
        return filter
    return {"where_filters": [{"where_sql_template": text} for text in ([filter] if isinstance(filter, str) else filter)]}


def of_measure(name, filter=None, **more):
    return {"name": name, "filter": where(filter), "alias": None, "join_to_timespine": False, "fill_nulls_with": None, **more}


def of_metric(name, filter=None, **more):
    return {"name": name, "filter": where(filter), "alias": None, "offset_window": None, "offset_to_grain": None, **more}


def simple(name, of, **more):
    given = of if isinstance(of, dict) else of_measure(of)
    return metric(name, measure=given, input_measures=[given], **more)


def direct(name, agg="sum", of="ships", **more):
    keys = ("agg_params", "agg_time_dimension", "non_additive_dimension")
    own = {key: more.pop(key, None) for key in keys}
    return metric(name, metric_aggregation_params={"semantic_model": of, "agg": agg, "expr": None, **own}, **more)


def ratio(name, numerator, denominator, **more):
    side = lambda given: given if isinstance(given, dict) else of_metric(given)
    return metric(name, "ratio", numerator=side(numerator), denominator=side(denominator), **more)


def derived(name, expr, *inputs, **more):
    return metric(name, "derived", expr=expr, metrics=[i if isinstance(i, dict) else of_metric(i) for i in inputs], **more)


def cumulative(name, of=None, window=None, grain=None, metric_input=None, **more):
    given = of_measure(of) if isinstance(of, str) else of
    own = {"window": window, "grain_to_date": grain, "period_agg": "first", "metric": metric_input}
    return metric(name, "cumulative", measure=given, cumulative_type_params=more.pop("own", own), **more)


def conversion(name, base, converted, entity="ship", **more):
    own = {
        "base_measure": None, "base_metric": None, "conversion_measure": None, "conversion_metric": None,
        "entity": entity, "calculation": "conversion_rate", "window": more.pop("own_window", None),
        "constant_properties": more.pop("constant_properties", None), **base, **converted,
    }
    return metric(name, "conversion", conversion_type_params=own, **more)


def query(name, metrics, group_by=(), filter=None, order_by=(), limit=None, exports=(), **more):
    return {
        "name": name, "resource_type": "saved_query", "unique_id": f"saved_query.port.{name}",
        "query_params": {"metrics": list(metrics), "group_by": list(group_by), "where": where(filter), "order_by": list(order_by), "limit": limit},
        "exports": list(exports), "description": None, "label": None, "metadata": None, "tags": [],
        "config": {"enabled": True, "group": None, "meta": {}, "export_as": None, "schema": None, "cache": {"enabled": False}},
        **more,
    }


def export(name, **config):
    return {"name": name, "config": {"export_as": "table", "schema_name": None, "alias": None, "database": None, **config}, "unrendered_config": {}}


def spine(alias="days", granularity="day", custom=(), relation_name=None, **more):
    return {
        "alias": alias, "schema_name": "public", "database": "harbour", "primary_column": "date_day",
        "relation_name": f'"harbour"."public"."{alias}"' if relation_name is None else relation_name,
        "granularity": granularity, "custom_granularities": [list(pair) for pair in custom], **more,
    }


def manifest(models=(), metrics=(), queries=(), spines=None, former=None):
    return {
        "semantic_models": list(models), "metrics": list(metrics), "saved_queries": list(queries),
        "time_spines": [spine()] if spines is None else list(spines), "former": former,
    }


def with_models(*metrics, queries=(), **more):
    return manifest([ships(), calls()], metrics, queries, **more)


BASE = [simple("tonnage", "tonnage"), simple("all_fees", "fees"), simple("call_count", "calls"), simple("late_calls", "late")]

DIMENSIONS = [
    "{{ Dimension('ship__flag') }} = 'NO'",
    "{{ TimeDimension('ship__day_of', 'month') }} > '2020-01-01' and {{ Entity('ship') }} is not null",
    "{{ Metric('tonnage', group_by=['ship']) }} > 5",
    "{{ Metric('tonnage', ['ship']) }} > 5",
    "{{ Dimension('ship__day_of').grain('week') }} >= '2020-01-01'",
    "{{ Dimension('ship__day_of').grain('WEEK').date_part('dow') }} = 1",
    "{{ Dimension('ship__day_of').date_part('Month') }} = 1",
    "{{ TimeDimension('metric_time') }} > '2020'",
    "{{ TimeDimension('metric_time', 'fiscal_week') }} > '2020'",
    "{{ TimeDimension('metric_time__fiscal_week') }} > '2020'",
    "{{ TimeDimension('metric_time__week', 'week') }} > '2020'",
    "{{ TimeDimension('metric_time__week', 'day') }} > '2020'",
    "{{ TimeDimension(time_dimension_name='ship__built', time_granularity_name='quarter', entity_path=['call']) }} > 1",
    "{{ TimeDimension('ship__built', date_part_name='year', descending=true) }} > 1",
    "{{ Dimension(name='flag', entity_path=['ship']) }} = 'NO'",
    "{{ Dimension('ship__flag', entity_path=['call', 'port']) }} = 'NO'",
    "{{ Entity('ship', entity_path=['call']) }} = 1",
    "{{ Entity('call__ship') }} = 1",
    "plain = 1",
    "",
    "   ",
    "{# nothing #} true",
    "{% set d = Dimension('ship__flag') %}{{ d }} = 'NO' or {{ d }} is null",
    "{% for n in ['flag', 'kind'] %}{{ Dimension('ship__' ~ n) }} = 1{% if not loop.last %} and {% endif %}{% endfor %}",
    "{{ 'a' if Dimension('ship__flag') else 'b' }} = 'a'",
    "{{ Dimension('ship__flag') ~ '' }} = 1",
    "{{ Dimension('ship__flag') | upper }} = 1",
    "{{ [Dimension('ship__flag')] | length }} = 1",
    "a\\d = {{ Dimension('ship__flag') }}",
    "b = '\\1' and {{ Dimension('ship__flag') }}",
    "c = '\\n\\g<0>' and {{ Dimension('ship__flag') }}",
]

BROKEN = [
    "{{ Dimension('flag') }} = 'NO'",
    "{{ Dimension('a__b__flag') }} = 'NO'",
    "{{ Dimension('ship__flag__day') }} = 'NO'",
    "{{ Dimension('ship__flag').grain('eon') }} = 'NO'",
    "{{ Dimension('ship__flag').grain('') }} = 'NO'",
    "{{ Dimension('ship__flag').date_part('week') }} = 'NO'",
    "{{ Dimension('ship__flag').date_part(3) }} = 'NO'",
    "{{ Dimension('ship__flag').grain(3) }} = 'NO'",
    "{{ Dimension('ship__flag').grain(None) }} = 'NO'",
    "{{ Dimension('ship__flag').descending(true) }} = 'NO'",
    "{{ Dimension('ship__flag').foo }} = 'NO'",
    "{{ Dimension('ship__flag').foo() }} = 'NO'",
    "{{ Dimension('ship__flag')._current_description }} = 'NO'",
    "{{ Dimension('ship__flag').__init__.__globals__ }} = 'NO'",
    "{{ Dimension('ship__flag').grain is callable }} = 1",
    "{{ Dimension() }} = 'NO'",
    "{{ Dimension(1) }} = 'NO'",
    "{{ Dimension(None) }} = 'NO'",
    "{{ Dimension(1.5) }} = 'NO'",
    "{{ Dimension(true) }} = 'NO'",
    "{{ Dimension(['ship__flag']) }} = 'NO'",
    "{{ Dimension({'a': 1}) }} = 'NO'",
    "{{ Dimension(missing) }} = 'NO'",
    "{{ Dimension('ship__flag', 'ab') }} = 'NO'",
    "{{ Dimension('ship__flag', [1]) }} = 'NO'",
    "{{ Dimension('ship__flag', none) }} = 'NO'",
    "{{ Dimension('ship__flag', 3) }} = 'NO'",
    "{{ Dimension('ship__flag', missing) }} = 'NO'",
    "{{ Dimension('ship__flag', foo=1) }} = 'NO'",
    "{{ Dimension('ship__flag', [], 3) }} = 'NO'",
    "{{ Dimension('ship__flag', name='x') }} = 'NO'",
    "{{ Dimension('ship__') }} = 1 and {{ Dimension('__flag') }} = 1",
    "{{ TimeDimension('day_of') }} = 1",
    "{{ TimeDimension('ship__day_of', 3) }} = 1",
    "{{ TimeDimension('ship__day_of', missing) }} = 1",
    "{{ TimeDimension('ship__day_of', 'day', foo=3) }} = 1",
    "{{ TimeDimension('ship__day_of', 'Eon') }} = 1",
    "{{ TimeDimension('ship__day_of__day', 3) }} = 1",
    "{{ TimeDimension('ship__day_of', ['day']) }} = 1",
    "{{ TimeDimension('ship__day_of', date_part_name='eon') }} = 1",
    "{{ TimeDimension('ship__day_of').grain('day') }} = 1",
    "{{ TimeDimension('ship__day_of').date_part('day') }} = 1",
    "{{ Entity('ship__day') }} = 1",
    "{{ Entity('ship').grain('day') }} = 1",
    "{{ Entity(3) }} = 1",
    "{{ Entity('ship').descending(false) }} = 1",
    "{{ Metric('tonnage') }} = 1",
    "{{ Metric('tonnage', group_by=[]) }} = 1",
    "{{ Metric('tonnage', group_by='ship') }} = 1",
    "{{ Metric('ship__tonnage', group_by=['ship']) }} = 1",
    "{{ Metric(3, group_by=['ship']) }} = 1",
    "{{ Metric('tonnage', ['ship']).descending(true) }} = 1",
    "{{ missing }} = 1",
    "{{ missing.foo }} = 1",
    "{{ missing() }} = 1",
    "{% if missing %}a{% endif %}",
    "{{ 'a' if missing else 'b' }}",
    "{{ not missing }}",
    "{{ missing and 1 }}",
    "{{ missing == 1 }}",
    "{{ 1 in missing }}",
    "{% for x in missing %}{% endfor %}",
    "{{ missing | default('x') }} = 1",
    "{{ missing is defined }} = 1",
    "{{ missing | upper }} = 1",
    "{{ missing ~ 'a' }} = 1",
    "{{ [missing] }} = 1",
    "{{ missing | length }} = 1",
    "{{ missing | join(',') }} = 1",
    "{{ 'a'.b }} = 1",
    "{{ [][1] }} = 1",
    "{{",
    "{{ Dimension('ship__flag' }}",
    "{% if %}",
    "{% endif %}",
    "}} = 1 {{ Dimension('ship__flag') }}",
    "{{ 1 / 0 }}",
    "{{ 'a' + 1 }}",
    "{{ range(10000000) }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id') }}",
    "{{ cycler() }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{{ 'x' | nothing }}",
    "{{ 'x' is nothing }}",
    "{{ self }}{{ loop }}",
    "{{ lipsum(1) | length > 3 }}",
    "{{ dict(a=1).a }} = 1",
    "{% set ns = namespace(a=1) %}{{ ns.a }} = 1",
    "{{ Dimension }} is not null",
    "{{ Dimension('ship__flag') is string }} or {{ Dimension is callable }}",
    "{{ Dimension('ship__flag') + 1 }}",
    "{{ Dimension('ship__flag') < 1 }}",
    "{{ Dimension('ship__flag') == Dimension('ship__flag') }}",
    "a\u00a0= '\u00fc' \r\n and b\u2028 = 1 {{ missing }}",
]

NAMES = ["Upper", "a", "two__dunders", "ends_", "_starts", "9nine", "day", "YEAR", "metric_time", "MF_INTERNAL_UUID", "select", "\u00fcber", "with space", "x\n", "ab\n"]

GROUP_BYS = [
    "Dimension('ship__flag')", "TimeDimension('metric_time', 'day')", "Entity('ship')", "Metric('tonnage', group_by=['ship'])",
    "Metric('tonnage')", "Dimension('flag')", "Dimension('ship__nothing')", "Entity('nothing')", "flag", "", "1", "Dimension(3)",
    "Dimension('ship__flag') ~ Dimension('call__kind')", "Dimension('ship__day_of').grain('fiscal_week')", "Dimension('ship__flag'",
    "TimeDimension('ship__day_of__fiscal_week')", "TimeDimension('ship__day_of', 'day').grain('week')", "Entity('ship').grain('day')",
    "TimeDimension('metric_time__day', 'week')", "Dimension(missing)", "TimeDimension('ship__day_of', missing)", "Entity('ship__day')",
    "'Dimension'", "Dimension('ship__flag').descending(true)", "Dimension('ship__day_of').date_part('nope')",
]

ORDER_BYS = [
    "Metric('tonnage')", "Metric('tonnage').descending(true)", "Metric('tonnage').descending(false)", "-Metric('tonnage')",
    "Dimension('ship__flag').descending(True)", "Dimension('ship__flag')", "Dimension('call__kind')", "tonnage", "missing",
    "Metric()", "Metric('tonnage', 1)", "Metric('tonnage', group_by=['ship'])", "Entity('ship').grain('day')", "Entity('ship').date_part('day')",
    "Metric('a__b')", "Metric('tonnage').grain('day')", "TimeDimension('metric_time', 'day').descending(true)", "TimeDimension('metric_time', 'day').grain('day')",
    "Dimension('ship__day_of').date_part('nope')", "Dimension('ship__day_of').date_part(3)", "Dimension()", "Dimension('a', 'b', 'c')",
    "Dimension('a', foo=1)", "Dimension('a', name='b')", "Dimension('ship__flag').grain()", "Dimension('ship__flag').grain('a', 'b')",
    "1 / 0", "'a' + 1", "Dimension('ship__flag') ~ Entity('ship')", "''", "Dimension('ship__flag').nothing()", "Dimension(['a'])", "Dimension({})",
    "Dimension('ship__flag', [[1]])", "Dimension('ship__flag', 3)", "range(10000000)", "missing.foo", "Metric(3)", "'x' | nothing",
    "Dimension(\"it's\")", "Metric('tonnage', group_by=3)", "Dimension('ship__flag', entity_path=['x'])",
]


def written():
    yield "plain", with_models(*BASE)
    yield "empty", manifest()
    yield "no spines", with_models(*BASE, spines=[])
    yield "former spine", with_models(*BASE, spines=[], former='"harbour"."public"."metricflow_time_spine"')
    yield "no metrics", with_models()
    yield "created metrics only", manifest([calls(measures=[measure("fees", create_metric=True)])])
    yield "no models", manifest(metrics=[direct("a1"), simple("a2", "fees"), metric("a3")])
    yield "metadata", manifest(
        [ships(metadata=metadata("models/port.yml"), config={"meta": {"a": [1, 2.5, None, True, {"b": "ü\u2028\U0001f600"}]}}, label="Ships")],
        [simple("m1", "tonnage", metadata=metadata("m.yml"), meta={"owner": "x", "n": 1e20,  "z": 1e-7}, description="Grüße\t\x7f", datatype="decimal")],
    )
    yield from written_models()
    yield from written_measures()
    yield from written_metrics()
    yield from written_conversions()
    yield from written_filters()
    yield from written_queries()
    yield from written_spines()
    yield from written_conversion_kinds()


def written_models():
    first, last = {"is_start": True, "is_end": False}, {"is_start": False, "is_end": True}
    both = {"is_start": True, "is_end": True}
    windows = {
        "window": [first, last], "starts": [first, first], "ends": [last, last], "none": [{}, {}], "one": [first],
        "point": [both], "three": [first, last, {}], "both": [both, {"is_end": None}], "points": [both, both],
    }
    keys = {"natural": ["natural"], "two natural": ["natural", "natural"], "primary": ["primary"], "all": ["natural", "primary", "unique"], "no": []}
    for window, validity in windows.items():
        for key, types in keys.items():
            dimensions = [time(f"valid_{i}", validity=given) for i, given in enumerate(validity)] + [time("day_of")]
            entities = [entity(f"key_{i}", type) for i, type in enumerate(types)]
            measures = [measure("tonnage")] if key in ("natural", "all") else []
            case = model("ships", entities, dimensions, measures, primary_entity="key" if key == "no" else None)
            yield f"validity {window}, {key}", manifest([case], BASE[:1])
    yield "natural without window", manifest([ships(entities=[entity("a1", "natural"), entity("a2", "natural"), entity("a1", "natural")])], BASE[:1])
    yield "types differ", manifest([ships(), calls(dimensions=[time("day_of"), time("flag"), dimension("built", is_partition=True)])], BASE)
    yield "partitions differ", manifest([ships(dimensions=[time("day_of", is_partition=True)]), calls()], BASE)
    yield "elements differ", manifest([ships(), calls(dimensions=[time("day_of"), dimension("ship"), dimension("tonnage")]), model("third", [entity("flag"), entity("tonnage")])], BASE)
    yield "no primary", manifest([ships(entities=[entity("ship")])], BASE[:1])
    yield "two primaries", manifest([ships(entities=[entity("ship", "primary"), entity("other", "PRIMARY")])], BASE[:1])
    yield "primary twice said", manifest([ships(primary_entity="boat")], BASE[:1])
    yield "primary by name", manifest([ships(entities=[], primary_entity="boat"), calls(entities=[], primary_entity="boat")], BASE)
    yield "pairs repeat", manifest([ships(), calls(entities=[entity("ship", "primary")], dimensions=[time("day_of"), time("built"), dimension("flag")])], BASE)
    yield "default is no time", manifest([ships(defaults={"agg_time_dimension": "flag"})], BASE[:1])
    yield "default unknown", manifest([ships(defaults={"agg_time_dimension": "nothing"})], BASE[:1])
    yield "no defaults", manifest([ships(defaults=None)], BASE[:1])
    yield "empty defaults", manifest([ships(defaults={"agg_time_dimension": None})], BASE[:1])
    yield "no parameters of time", manifest([ships(dimensions=[dimension("day_of", type="time"), dimension("flag", type_params={"time_granularity": "HOUR"})])], BASE[:1])
    for name in NAMES:
        case = ships(entities=[entity(name, "primary"), entity(name)], dimensions=[time("day_of"), dimension(name), dimension(name)], measures=[measure(name), measure(name)])
        case["name"] = name
        yield f"name {name!r}", manifest([case, calls(), case], [simple(name, name), simple(name, name)], [query(name, [name])], spines=[spine(custom=[(name, None), (name, "c")])])
    yield "custom granularity taken", with_models(*BASE, spines=[spine(custom=[("tonnage", None), ("flag", None), ("ship", None), ("ships", None), ("all_fees", None), ("free", "col")])])
    for table in ("select.public.ships", "a.from.join.x", "order by", "SELECT"):
        yield f"relation {table}", manifest([ships(node_relation=relation("ships", relation_name=table))], BASE[:1])
    yield "relation made", manifest([ships(node_relation={"alias": "ships", "schema_name": "natural"}), calls(node_relation=relation("calls", relation_name=""))], BASE)
    yield "labels repeat", manifest(
        [
            ships(label="One", entities=[entity("ship", "primary", label="A"), entity("port", label="A")], dimensions=[time("day_of", label="B"), dimension("flag", label="B"), dimension("x1", label="B")], measures=[measure("m1", label="C"), measure("m2", label="C")]),
            calls(label="One", entities=[entity("call", "primary"), entity("ship", label="Other"), entity("port", label="A")]),
        ],
        [simple("a1", "m1", label="Same"), simple("a2", "m1", label="Same"), simple("a3", "m2", label=None), simple("a4", "m2", label=None)],
    )


def written_measures():
    values = [None, {}, {"percentile": 0.3}, {"percentile": 0}, {"percentile": 1}, {"percentile": 1e-7}, {"percentile": 1.5}, {"percentile": 0.5}, {"percentile": "0.75"}]
    values += [{"percentile": 0.5, "use_discrete_percentile": True}, {"use_approximate_percentile": True, "use_discrete_percentile": "yes", "percentile": 123456789012345680.0}]
    for agg in ("percentile", "median", "sum", "average", "PERCENTILE"):
        cases = [measure(f"m{i}", agg, agg_params=value) for i, value in enumerate(values)]
        yield f"agg params of {agg}", manifest([ships(measures=cases)], [direct(f"d{i}", agg, agg_params=value) for i, value in enumerate(values)])
        for i, case in enumerate(cases):
            yield f"agg params of {agg}, {i}", manifest([ships(measures=[case])], [simple("m0x", case["name"]), direct("d0x", agg, agg_params=values[i])])
    for expr in (None, "", "1", "distinct ship", "DISTINCT ship", "ship", "a + b", "ship\n", "9x"):
        for agg in ("count", "count_distinct", "sum", "sum_boolean", "min", "max", "average", "median"):
            yield f"{agg} of {expr!r}", manifest([ships(measures=[measure("seen", agg, expr=expr)])], [simple("seen_metric", "seen"), direct("direct_metric", agg, expr=expr)])
    yield "measures repeat", manifest([ships(), calls(measures=[measure("tonnage", "max", expr="t"), measure("tonnage")]), model("third", measures=[measure("tonnage")])], BASE[:1])
    yield "times of measures", manifest([ships(measures=[measure("a1", agg_time_dimension="built"), measure("a2", agg_time_dimension="flag"), measure("a3", agg_time_dimension="nothing"), measure("a4", agg_time_dimension="")])], [simple("x1", "a1")])
    yield "time of measure missing", manifest([ships(measures=[measure("a0", agg_time_dimension="nothing"), measure("a1")], defaults=None), calls(measures=[measure("b1", agg_time_dimension="x")])], [simple("x1", "a1")])
    window = lambda name, **more: {"name": name, "window_choice": "min", "window_groupings": [], **more}
    shapes = [window("day_of"), window("built"), window("flag"), window("nothing"), window("day_of", window_choice="sum"), window("day_of", window_choice="MAX", window_groupings=["ship"]), window("day_of", window_groupings=["ship", "x1", "x2", "x1"]), {"name": "day_of"}]
    for i, shape in enumerate(shapes):
        for agg_time in (None, "built", "flag", "nothing"):
            case = measure("m1", non_additive_dimension=shape, agg_time_dimension=agg_time)
            yield f"non-additive {i} {agg_time}", manifest([ships(measures=[case, measure("m2")])], [simple("x1", "m1")])
    yield "non-additive without time", manifest([ships(measures=[measure("m1", non_additive_dimension=window("x")), measure("m2", agg_time_dimension="nothing", non_additive_dimension=window("y"))], defaults=None)], [simple("x1", "m1")])


def written_metrics():
    yield "derived", with_models(*BASE, derived("per_call", "all_fees / call_count", "all_fees", "call_count"))
    yield "derived without inputs", with_models(*BASE, derived("none_in", "1 + 1"), derived("no_expr", None, "tonnage"), derived("empty_expr", "", "tonnage"))
    yield "derived of nothing", with_models(*BASE, derived("d1", "x + tonnage", "x", "tonnage"))
    yield "derived does not use", with_models(*BASE, derived("d1", "tonnage + 1", "tonnage", "all_fees", of_metric("call_count", alias="cc")))
    aliases = ["tonnage", "aa", "Bad Name", "day", "metric_time", "", "a.b", "c+"]
    yield "derived aliases", with_models(*BASE, derived("d1", "tonnage + aa + a.b + c+ d", *[of_metric("tonnage", alias=alias) for alias in aliases], "all_fees"))
    offsets = [("7 days", None), ("1 month", None), ("2 fiscal_weeks", None), ("2 fiscal_week", None), ("3 eons", None), (None, "month"), (None, "Month"), (None, "eon"), ("1 week", "week"), ({"count": 3, "granularity": "Days"}, "")]
    for i, (window, grain) in enumerate(offsets):
        yield f"offset {i}", with_models(*BASE, derived("d1", "t", of_metric("tonnage", alias="tt", offset_window=window, offset_to_grain=grain)), spines=[spine(custom=[("fiscal_week", None)])])
    yield "offsets of a ratio", with_models(*BASE, ratio("r1", "tonnage", "all_fees", metrics=[of_metric("x", offset_window="3 eons", offset_to_grain="Eon")]))
    for window in (None, "7 days", "1 fiscal_week", "1 day", "2 eons", "1 s"):
        for former in (None, "7 days", "1 day"):
            for grain in (None, "month", "Eon"):
                case = cumulative("c1", "tonnage", window, grain, window=None) if False else cumulative("c1", "tonnage", window, grain)
                case["type_params"]["window"] = former
                yield f"cumulative {window} {former} {grain}", with_models(*BASE, case, spines=[spine(custom=[("fiscal_week", None)])])
    former = cumulative("c1", "tonnage", own=None)
    former["type_params"]["grain_to_date"] = "WEEK"
    yield "cumulative in the former place", with_models(*BASE, former)
    yield "cumulative inputs", with_models(*BASE, cumulative("c1"), cumulative("c2", "tonnage", metric_input=of_metric("tonnage")), cumulative("c3", metric_input=of_metric("nothing")), cumulative("c4", own=None), cumulative("c5", metric_input=of_metric("all_fees", "a = 1")))
    yield "ratios", with_models(*BASE, ratio("r1", "all_fees", "call_count"), ratio("r2", of_metric("all_fees", "a = 1"), of_metric("call_count", "b = 1"), filter="c = 1"), ratio("r3", "r1", "nothing"))
    yield "ratio without parts", with_models(*BASE, metric("r1", "ratio"))
    yield "ratio without parts, with measures", with_models(*BASE, metric("r1", "ratio", input_measures=[of_measure("fees")]))
    yield "unknown measures", with_models(simple("s1", "nothing"), cumulative("c1", "nothing"))
    yield "proxy expressions", with_models(simple("s1", "fees", expr="fee"), simple("s2", "fees", expr="fees"), simple("s3", "fees", expr="other"), simple("s4", "tonnage", expr=""))
    given = [of_measure("fees", "a = 1"), of_measure("fees", "b = 1"), of_measure("fees", alias="ff"), of_measure("tonnage"), of_measure("tonnage"), of_measure("calls", ["x", "y'z"], alias="c1", join_to_timespine=True, fill_nulls_with=0)]
    yield "measures of a metric", with_models(derived("d1", "x", "tonnage", input_measures=given), derived("d2", "x", "tonnage", input_measures=[of_measure("fees", alias="tonnage"), of_measure("late", alias="c1"), of_measure("late", "z", alias="Bad")]), *BASE)
    yield "empty alias", with_models(*BASE, derived("d1", "x", "tonnage", input_measures=[of_measure("fees", alias="aa"), of_measure("late", alias="")]))
    yield "settings", with_models(
        simple("s1", of_measure("fees", "a = 1", join_to_timespine=True, fill_nulls_with=-2), filter="b = 1"),
        simple("s2", of_measure("fees", fill_nulls_with="4"), filter=["b = 1", "", "c = 1"], fill_nulls_with=1, join_to_timespine=True),
        simple("s3", "late", filter="{{ Dimension('call__kind') }} = 'x'"), *BASE,
    )
    yield "direct", with_models(direct("d1", "count", expr="ship_id", of="calls"), direct("d2", "sum_boolean", expr="is_late"), direct("d3", "median", expr="t"), direct("d4", "average", expr="a + b", filter="x = 1"), direct("d5", of="nothing", datatype="datetime_tz"), direct("d6", "sum_boolean", expr=""))
    yield "direct with measure", with_models(direct("d1", measure=of_measure("fees"), input_measures=[of_measure("fees")]), *BASE)
    circle = [derived("a1", "b1 + 1", "b1"), derived("b1", "a1 * 2", "a1")]
    yield "circle", with_models(*circle)
    for case in circle:
        case["type_params"]["input_measures"] = [of_measure("fees")]
    yield "circle with measures", with_models(*circle)
    yield "circle with filters", with_models(*[{**case, "filter": where("x = 1")} for case in circle])
    yield "self", with_models(derived("a1", "a1 + 1", "a1"))
    yield "long chain", with_models(*BASE, *[derived(f"n{i}", f"n{i - 1} + 1" if i else "tonnage", f"n{i - 1}" if i else "tonnage") for i in range(60)])
    yield "doubling", with_models(*BASE, *[derived(f"n{i}", f"n{i - 1} + n{i - 1}" if i else "tonnage", f"n{i - 1}" if i else "tonnage") for i in range(10)])
    yield "names repeat", with_models(*BASE, simple("tonnage", "fees", filter="a = 1"), derived("d1", "tonnage", "tonnage"))


def written_conversions():
    base = {"of_measure": {"base_measure": of_measure("ships_seen")}, "of_metric": {"base_metric": of_metric("seen")}, "both": {"base_measure": of_measure("ships_seen"), "base_metric": of_metric("seen")}, "none": {}, "wrong": {"base_measure": of_measure("nothing")}, "summed": {"base_measure": of_measure("tonnage", "a = 1")}}
    base["unknown"] = {"base_metric": of_metric("nothing")}
    base["derived"] = {"base_metric": of_metric("sums")}
    base["average"] = {"base_metric": of_metric("averages")}
    converted = {
        "of_measure": {"conversion_measure": of_measure("calls", "a = 1")}, "of_metric": {"conversion_metric": of_metric("seen", "a = 1")}, "none": {},
        "both": {"conversion_measure": of_measure("calls"), "conversion_metric": of_metric("seen")}, "unknown": {"conversion_metric": of_metric("nothing")}, "plain": {"conversion_metric": of_metric("tonnage")},
        "lost": {"conversion_metric": of_metric("lost")}, "average": {"conversion_metric": of_metric("averages")},
    }
    others = [*BASE, direct("seen", "count", expr="1"), direct("averages", "average", expr="t"), derived("sums", "tonnage", "tonnage"), direct("lost", of="nothing")]
    for first, one in base.items():
        for second, two in converted.items():
            yield f"conversion {first}, {second}", with_models(*others, conversion("c1", one, two, constant_properties=[{"base_property": "flag", "conversion_property": "nothing"}]))
    one, two = base["of_measure"], converted["of_measure"]
    for entity_name in ("ship", "port", "call", "nothing"):
        yield f"conversion by {entity_name}", with_models(*others, conversion("c1", one, two, entity_name))
    for window in ("7 days", "1 eon", "2 fiscal_weeks", {"count": "3", "granularity": "weeks"}):
        yield f"conversion in {window}", with_models(*others, conversion("c1", one, two, own_window=window), spines=[spine(custom=[("fiscal_week", None)])])
    without = metric("c1", "conversion")
    yield "conversion without parameters", with_models(*others, conversion("c0", {}, {}), without)
    yield "conversion without parameters, with measures", with_models(*others, {**without, "type_params": params(input_measures=[of_measure("fees")])})
    yield "derived of a conversion", with_models(*others, conversion("c1", one, two), derived("d1", "c1 + 1", "c1"))
    yield "derived of a conversion with a long name", with_models(*others, conversion("c1" * 60, one, two), derived("d1", "c1 + 1", "c1" * 60))
    for length in range(40, 62):
        yield f"derived of a conversion with a name of {length}", with_models(*others, conversion("c" * length, one, two), derived("d1", "c1 + 1", "c" * length))
    yield "derived of a conversion with lines", with_models(*others, conversion("c\n'1", one, two), derived("d1", "c1 + 1", "c\n'1"))


def written_filters():
    spines = [spine(custom=[("fiscal_week", None)])]
    for i, text in enumerate(DIMENSIONS + BROKEN):
        others = [
            simple("s2", of_measure("fees", text)), ratio("r1", of_metric("tonnage", text), of_metric("all_fees")),
            ratio("r2", of_metric("tonnage"), of_metric("all_fees", text)), derived("d1", "tonnage", of_metric("tonnage", text)),
            cumulative("c1", of_measure("fees", text)),
        ]
        queries = [query("q1", ["tonnage"], filter=text)]
        yield f"filter {i}", with_models(*BASE, simple("s1", "fees", filter=text), others[i % 5], queries=queries, spines=spines)
    for i, other in enumerate(others):
        yield f"filter of an input {i}", with_models(*BASE, other, spines=spines)
    yield "filters together", with_models(*BASE, simple("s1", "fees", filter=DIMENSIONS + BROKEN[:3]), queries=[query("q1", ["tonnage"], filter=DIMENSIONS[:9]), query("q2", ["tonnage"], filter=[DIMENSIONS[0], BROKEN[0], DIMENSIONS[1], BROKEN[3]])], spines=spines)
    for shape in ("a = 1", ["a = 1", {"where_sql_template": "b = 1"}], {"where_sql_template": "c = 1"}, {"where_filters": ["d = 1"]}, {"where_filters": []}, [], {}, 3, {"where_filters": [3]}, {"where_filters": "x"}):
        yield f"filter as {shape}", with_models({**simple("s1", "fees"), "filter": shape})
    nested = [derived("n0", "fees0", of_metric("all_fees", "f0 = 1", alias="fees0"), filter="g0 = 1")]
    nested += [derived(f"n{i}", "a + b", of_metric(f"n{i - 1}", f"f{i} = 1", alias="a"), of_metric(f"n{i - 1}", alias="b"), filter=f"g{i} = 1") for i in range(1, 5)]
    yield "filters nested", with_models(*BASE, *nested)
    for text in ("x = '\\1'", "x = '\\d'", "x = '\\\\'", "x = '\\g<0>'", "x = '\\g<1>'", "x = '\\g<a>'", "x = '\\g'", "x = '\\101\\0\\07'", "x = '\\777'", "x = \\", "x = '\\t\\.'", "x = '\\g<'", "x = '\\12'"):
        yield f"escape {text}", with_models(*BASE, simple("s1", "fees", filter=text), derived("d1", "s1 + s1s + s1.s1 + (s1)", "s1"))


def written_queries():
    spines = [spine(custom=[("fiscal_week", None)])]
    for i, text in enumerate(GROUP_BYS):
        yield f"group by {i}", with_models(*BASE, queries=[query("q1", ["tonnage", "nothing"], [text], order_by=["Metric('tonnage')"])], spines=spines)
    for i, text in enumerate(ORDER_BYS):
        yield f"order by {i}", with_models(*BASE, queries=[query("q1", ["tonnage"], ["Dimension('ship__flag')", "TimeDimension('metric_time', 'day')"], order_by=[text])], spines=spines)
    yield "order by all", with_models(*BASE, queries=[query("it's", ["tonnage"], ["Dimension('ship__flag')"], order_by=ORDER_BYS)])
    yield "metrics with quotes", with_models(*BASE, queries=[query("q1", ["it's", "a b", "x}}y"], order_by=["Metric('tonnage')"])])
    for limit in (0, -1, 5, None, "7", "-7"):
        yield f"limit {limit}", with_models(*BASE, queries=[query("q1", ["tonnage"], limit=limit)])
    exports = [export("e1"), export("e2", export_as="VIEW", alias="x"), {"name": "e3", "config": {"export_as": "view", "schema": "s"}}, {"name": "e4", "config": {"export_as": "table", "schema_name": "n", "schema": None}}]
    yield "exports", with_models(*BASE, queries=[query("q1", ["tonnage"], exports=exports, tags=["b", "a", "B"], label="Q", description="d", metadata=metadata("q.yml"))])
    for tags in ("one", [], ["z", "é", "e\u0301", "A"], 3, None, [3, 1, 2.5], ["a", 1], {}, [["a"]]):
        yield f"tags {tags}", with_models(*BASE, queries=[query("q1", ["tonnage"], tags=tags)])


def written_spines():
    yield "spines repeat", with_models(*BASE, spines=[spine("a1"), spine("a2"), spine("a3", "hour"), spine("a4", "HOUR"), spine("a5", "year")])
    names = ["nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"]
    chooser = random.Random(5)
    for i in range(24):
        chosen = chooser.sample(names, chooser.randint(2, 8))
        yield f"spines repeat {i}", with_models(*BASE, spines=[spine(f"{name}_{n}", name) for n in range(2) for name in chosen])
    for grain in names:
        yield f"spine of {grain}", with_models(*BASE, spines=[spine(granularity=grain)])
    yield "no time dimensions", manifest([ships(dimensions=[dimension("flag")])], BASE[:1])
    yield "spine without name", with_models(*BASE, spines=[spine(relation_name=""), spine(relation_name="", database=None, granularity="hour")])


def written_conversion_kinds():
    """What only the conversion to OSI shows."""
    kinds = ["primary", "unique", "foreign", "natural"]
    for first in kinds:
        for second in kinds:
            yield f"relationship {first} {second}", manifest(
                [model("b_model", [entity("key", first, expr="k1"), entity("own")], [time("day_of")]), model("a_model", [entity("key", second), entity("KEY", first)], [time("day_of")]), model("B_model", [entity("key", second)])], BASE[:1])
    types = ["string", "integer", "decimal", "float", "boolean", "date", "time", "datetime", "datetime_tz", "opaque", None]
    yield "data types", manifest([ships(dimensions=[time("day_of")] + [dimension(f"d{i}", datatype=type, description="x", label="y") for i, type in enumerate(types)])], [simple(f"m{i}", "tonnage", datatype=type) for i, type in enumerate(types)])
    created = [measure("m1", create_metric=True, description="One", label="L"), measure("m2", "count", expr="x", create_metric=True), measure("m3", create_metric=True), measure("M4", "median", create_metric=True), measure("m5", create_metric=None)]
    yield "created metrics", manifest([ships(measures=created)], [simple("m3", "m1"), cumulative("c1", "m1"), cumulative("c2", "m2"), cumulative("c3", "m5")])
    yield "created metric is no simple one", manifest([ships(measures=created)], [derived("m1", "x", "m2")])
    yield "names in upper case", manifest([{**ships(measures=[measure("TONS", create_metric=True)], defaults={"agg_time_dimension": "DAY_OF"}), "name": "Ships"}], [simple("a1", "TONS"), simple("a2", "tons"), cumulative("a3", "tons"), direct("a4", of="ships", expr="tons")])
    settings = [{}, {"fill_nulls_with": 0}, {"fill_nulls_with": -5}, {"join_to_timespine": True}, {"fill_nulls_with": 3, "join_to_timespine": True}, {"alias": "zz"}, {}]
    metrics = [cumulative(f"c{i}", of_measure("fees", "a = 1" if i % 2 else None, **more)) for i, more in enumerate(settings)]
    yield "simple metrics made", with_models(*metrics, simple("fees_fill_nulls_with_0", "tonnage"), simple("fees", "late"))
    yield "simple metrics found", with_models(*metrics, simple("own", "fees"), simple("own_zero", of_measure("fees", fill_nulls_with=0)), direct("own_direct", of="calls", expr="fee", join_to_timespine=True))
    yield "private", with_models(*BASE, direct("p1", is_private=True), direct("p2", is_private=None), cumulative("p3", "fees", is_private=True), derived("p4", "p1", "p1"))
    yield "words", with_models(*BASE, derived("d1", "tonnage*tonnage+xtonnage+tonnage_x+ütonnage+(tonnage)+tonnage1 tonnage", "tonnage"), derived("d2", "d1/all_fees", "d1", "all_fees", of_metric("tonnage", alias="all_fees")), derived("d3", "a.b + a b", of_metric("tonnage", alias="a.b"), of_metric("tonnage", alias="a b")), derived("d4", " ", of_metric("tonnage", alias="(")))
    yield "derived of unknown, with measures", with_models(*BASE, derived("d1", "x", "x", input_measures=[of_measure("fees")]))
    yield "cumulative of unknown, with measures", with_models(*BASE, cumulative("c1", metric_input=of_metric("x"), input_measures=[of_measure("fees")]))
    yield "simple without anything", with_models(metric("s1"))


JUNK = [
    None, True, False, 0, 1, -3, 2.5, 1e17, "", "x", "Day", "a__b", "1", "true", "7 Days", " 12 ", "1_0", [], {}, [["a", 1]], ["ab"], {"name": "n"}, ["x", "y"],
    "SUM", "median", "primary", "natural", "time", "derived", "simple", "conversion", "{{ Dimension('ship__flag') }}", "{{ x }}", "month", "percentile", "flag", "ship", "tonnage",
]


def places(value, path=()):
    """Every place below a value, as the keys that lead to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


def mutate(case, choose):
    """Changes one random place."""
    path = choose.choice([path for path in places(case) if len(path) > 2 and path[0] not in ("time_spines", "former")])
    parent = case
    for key in path[:-1]:
        parent = parent[key]
    key = path[-1]
    kind = choose.randrange(7)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[str(key) + choose.choice(["_", "s", "x"])] = parent.pop(key)
    elif kind == 2 and isinstance(parent, list):
        parent.insert(choose.randrange(len(parent) + 1), json.loads(json.dumps(parent[key])))
    elif kind == 3 and isinstance(parent[key], str) and parent[key]:
        text = parent[key]
        at = choose.randrange(len(text))
        parent[key] = text[:at] + choose.choice(["", "_", "'", "{", "}", "S", " ", ")", "("]) + text[at + choose.randrange(2):]
    elif kind == 4 and isinstance(parent[key], list):
        parent[key] = []
    elif kind == 5:
        other = choose.choice(list(places(case)))
        value = case
        for step in other:
            value = value[step]
        text = json.dumps(value)
        parent[key] = json.loads(text) if len(text) < 2000 else None
    else:
        parent[key] = choose.choice(JUNK)


def cases(seed, count):
    known = []
    for name, case in written():
        case = json.loads(json.dumps(case))
        known.append((name, case))
        yield name, case
    choose = random.Random(seed)
    usable = [(name, case) for name, case in known if case["semantic_models"] and case["metrics"]]
    for number in range(count):
        name, case = choose.choice(usable)
        case = json.loads(json.dumps(case))
        for _ in range(choose.randint(1, 2)):
            mutate(case, choose)
        yield f"mutant {number} of {name}", case
