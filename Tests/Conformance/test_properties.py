"""Entries of property files that have not the shape dbt asks for, beside dbt: the same lines and codes.

`PropertyShapeTests` compares the shapes themselves, member by member; here stands how dbt tells of them, what it looks at
besides, and what it accepts.
"""

from __future__ import annotations

import json

import pytest

import conformance
import test_command_line
import test_semantic_layer

pytestmark = [
    pytest.mark.module("properties"),
    pytest.mark.skipif(conformance.DRIVES_DBT, reason="compares dbt with our executable"),
]

FILES = {
    "dbt_project.yml": "{name: shop, version: '1.0', profile: shop, analysis-paths: [analyses]}\n",
    "profiles.yml": test_command_line.PROJECT["profiles.yml"],
    "models/m.sql": "select 1 as id", "seeds/s.csv": "id\n1\n", "analyses/a.sql": "select 1",
    "macros/mm.sql": "{% macro mm(n) %}1{% endmacro %}", "functions/f.sql": "select n", "tests/t.sql": "select 1 where false",
}

# A property file each.
CASES = {
    "model_name": "models: [{name: off}]",
    "seed_name": "seeds: [{name: 3}]",
    "snapshot_name": "snapshots: [{name: [a]}]",
    "analysis_name": "analyses: [{name: off}]",
    "macro_name": "macros: [{name: 3}]",
    "function_name": "functions: [{name: off, returns: {data_type: int}}]",
    "function_without": "functions: [{name: f, arguments: [{name: n, data_type: int}]}]",
    "singular_test": "data_tests: [{name: t, description: [a]}, {name: t, description: later}]",
    "column_name": "models: [{name: m, columns: [{name: no}]}]",
    "no_description": "models: [{name: m, description: }]",
    "no_config": "models: [{name: m, config: }]",
    "no_columns": "models: [{name: m, columns: }]",
    "no_tests": "models: [{name: m, data_tests: }]",
    "tags_of_column": "models: [{name: m, columns: [{name: id, tags: one}]}]",
    "odd_docs": "models: [{name: m, docs: {color: red}}]",
    "no_version": "models: [{name: m, versions: [{description: first}]}]",
    "version_column": "models: [{name: m, versions: [{v: 1, columns: [{description: x}]}]}]",
    "source_extra": "sources: [{name: x, colour: red, tables: [{name: t}]}]",
    "source_name": "sources: [{name: 3}]",
    "table_name": "sources: [{name: x, tables: [{name: off}]}]",
    "table_nameless": "sources: [{name: x, dbname: d, tables: [{description: x}]}]",
    "table_extra": "sources: [{name: x, tables: [{name: t, colour: red}]}]",
    "odd_freshness": "sources: [{name: x, freshness: {warn_after: {count: 1, period: week}}, tables: [{name: t}]}]",
    "rough_freshness": "sources: [{name: x, tables: [{name: t, freshness: {warn_after: {count: one, period: day}}}]}]",
    "empty_field": "sources: [{name: x, loaded_at_field: '', tables: [{name: t}]}]",
    "empty_field_of_table": "sources: [{name: x, tables: [{name: t}, {name: u, loaded_at_field: ''}]}]",
    "null_field_of_table": "sources: [{name: x, loaded_at_field: a, tables: [{name: u, loaded_at_field: }]}]",
    "exposure_type": "exposures: [{name: e, type: chart, owner: {name: me}}]",
    "exposure_owner": "exposures: [{name: e, type: dashboard}]",
    "exposure_nobody": "exposures: [{name: e, type: dashboard, owner: {team: us}}]",
    "exposure_tags": "exposures: [{name: e, type: dashboard, owner: {name: me}, tags: one}]",
    "exposure_maturity": "exposures: [{name: e, type: dashboard, owner: {name: me}, maturity: ripe}]",
    "exposure_extra": "exposures: [{name: e, type: dashboard, owner: {name: me, team: us}, colour: red}]",
    "group_owner": "groups: [{name: g}]",
    "group_nobody": "groups: [{name: g, owner: {}}]",
    "unit_test_model": "unit_tests: [{name: u, given: [], expect: {rows: []}}]",
    "unit_test_format": "unit_tests: [{name: u, model: m, given: [], expect: {format: json, rows: []}}]",
    "unit_test_rows": "unit_tests: [{name: u, model: m, given: [{input: ref('m'), rows: [1]}], expect: {rows: []}}]",
    "unit_test_versions": "unit_tests: [{name: u, model: m, given: [], expect: {rows: [{id: 1}]}, versions: {include: [1], exclude: [2]}}]",
    "both_tests": "models: [{name: m, tests: [unique], data_tests: [unique]}]",
    "both_tests_of_table": "sources: [{name: x, tables: [{name: t, tests: [unique], data_tests: [unique]}]}]",
    "snapshot_relation": "snapshots: [{name: x, relation: 3, config: {unique_key: id}}]",
    "snapshot_words": "snapshots: [{name: x, relation: m, config: {unique_key: id}}]",
    "snapshot_text": "snapshots: [{name: x, relation: \"'m'\", config: {unique_key: id}}]",
    "snapshot_null": "snapshots: [{name: x, relation: null, config: {unique_key: id}}]",
    "both_tests_of_column": "models: [{name: m, columns: [{name: id, tests: [unique], data_tests: [unique]}]}]",
    "odd_test": "models: [{name: m, data_tests: [3]}]",
    "macro_arguments": "macros: [{name: mm, arguments: [{name: n, type: [int]}]}]",
    "macro_docs": "macros: [{name: mm, docs: {show: maybe}}]",
    "time_without_granularity": "models: [{name: m, columns: [{name: id, dimension: time}]}]",
    # All of this is well.
    "good": """
models:
  - {name: m, config: {}, deprecation_date: 2099-01-01, columns: [{name: id, quote: null, data_type: null, other: 1}], other: {a: 1}}
sources: [{name: x, dbname: d, meta: {}, tables: [{name: t, other: 1, external: {location: l, other: 1}}]}]
exposures: [{name: e, type: ml, owner: {email: [a, b], team: us}, url: null}]
groups: [{name: g, owner: {email: a}}]
macros: [{name: mm, arguments: [{name: n}]}]
functions: [{name: f, arguments: [{name: n, data_type: int, default_value: [1]}], returns: {data_type: int}}]
""",
}

# A source that another package declares, and what is said of it.
PACKAGE = {
    "packages.yml": "packages: [{local: dbt_packages/pkg}]",
    "dbt_packages/pkg/dbt_project.yml": "{name: pkg, version: '1.0', profile: shop}",
    "dbt_packages/pkg/models/s.yml": """
sources:
  - name: s
    description: old
    schema: old
    loader: ld
    meta: {m: 1}
    tags: [a]
    quoting: {schema: true}
    config: {meta: {c: 1}, tags: [ct]}
    loaded_at_field: f
    freshness: {warn_after: {count: 1, period: day}}
    tables:
      - {name: a, description: olda, meta: {t: 1}, tags: [ta], identifier: ida, quoting: {identifier: true}, loaded_at_field: ff,
         freshness: {error_after: {count: 2, period: hour}}, data_tests: [{unique: {column_name: x}}], external: {location: l},
         columns: [{name: x, data_tests: [not_null]}, {name: y}], config: {meta: {tc: 1}}}
      - {name: b}
""",
}
OVERRIDES = {
    "nothing": "sources: [{name: s, overrides: pkg}]",
    "all": """
sources:
  - name: s
    overrides: pkg
    schema: new
    description: null
    meta: {n: 1}
    tags: [n]
    config: {meta: {nc: 1}}
    tables: [{name: a, description: new, columns: [{name: z, data_tests: [unique]}], loaded_at_field: null}, {name: b, loaded_at_field: null}, {name: zz}, {name: y}]
""",
    "no_freshness": "sources: [{name: s, overrides: pkg, freshness: null, tables: [{name: a, quoting: {schema: false}}, {name: b, freshness: {warn_after: {count: 3, period: hour}}}]}]",
    "no_freshness_of_table": "sources: [{name: s, overrides: pkg, freshness: {filter: x}, tables: [{name: a, freshness: null, data_tests: []}]}]",
    "no_source": "sources: [{name: x, overrides: nothing, tables: [{name: t}]}]",
    "twice": "sources: [{name: s, overrides: pkg}, {name: s, overrides: pkg, schema: other}]",
    "name": "sources: [{name: s, overrides: pkg, tables: [{name: 3}]}]",
    "extra": "sources: [{name: s, overrides: pkg, colour: red}]",
}

# One thing described twice, in one file and in two.
SAID_TWICE = {
    "model": "models: [{name: m}]", "macro": "macros: [{name: mm}]",
    "function": "functions: [{name: f, arguments: [{name: n, data_type: int}], returns: {data_type: int}}]",
    "override": OVERRIDES["nothing"],
}

FAST = {"column_name", "table_extra", "exposure_type"}


@pytest.mark.parametrize("text", [
    pytest.param(text, id=name, marks=[pytest.mark.fast] if name in FAST else []) for name, text in CASES.items()])
def test_reads_what_dbt_reads(text, tmp_path_factory):
    folders = test_command_line.place({**FILES, "models/properties.yml": text}, tmp_path_factory)
    test_command_line.compare(folders, "parse")


@pytest.mark.parametrize("name", OVERRIDES)
def test_overrides_as_dbt_does(name, tmp_path_factory):
    folders = test_command_line.place({**FILES, **PACKAGE, "models/properties.yml": OVERRIDES[name]}, tmp_path_factory)
    test_command_line.compare(folders, "parse")
    ours, dbts = (sources(folders[whose], whose) for whose in ("ours", "dbts"))
    assert ours == dbts


@pytest.mark.parametrize("name", SAID_TWICE)
@pytest.mark.parametrize("files", [1, 2])
def test_refuses_a_second_description(name, files, tmp_path_factory):
    text = SAID_TWICE[name]
    key, entry = text.split(": ", 1)
    twice = {"models/properties.yml": f"{key}: {entry[:-1]}, {entry[1:]}"}
    if files == 2:
        twice = {"models/properties.yml": text, "seeds/properties.yml": text}
    folders = test_command_line.place({**FILES, **PACKAGE, **twice}, tmp_path_factory)
    if files == 1:
        test_command_line.compare(folders, "parse")
        return
    ours, dbts = (test_command_line.run_as(folders, whose, "parse") for whose in ("ours", "dbts"))
    # dbt reads files in no order: either may be the second.
    assert ours[0] == dbts[0] == 2
    assert sorted(" ".join(ours[1]).split()) == sorted(" ".join(dbts[1]).split())


def sources(folder, whose: str) -> dict:
    """The sources of the manifest and the names of all else; nothing where parsing failed."""
    path = folder / "target" / "manifest.json"
    if not path.exists():
        return {}
    manifest = json.loads(test_command_line.without_schema(path.read_text(), whose))
    return {**{name: test_semantic_layer.timeless(entry) for name, entry in manifest["sources"].items()}, "nodes": sorted(manifest["nodes"])}
