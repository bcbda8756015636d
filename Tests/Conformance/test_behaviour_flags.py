"""Projects that set dbt's behaviour flags, beside dbt's own: the same lines, the same codes, the same parts of manifests.

Each project stands in a folder of its own for either side; its commands run one after the other.
"""

from __future__ import annotations

import json

import pytest

import conformance
import test_command_line

pytestmark = [
    pytest.mark.module("behaviour_flags"),
    pytest.mark.skipif(conformance.DRIVES_DBT, reason="compares dbt with our executable"),
]

PROFILES = test_command_line.PROJECT["profiles.yml"]
SCHEMA = "schema: \"{{ target.schema }}\""


def project(files: dict, flags: str = "", more: str = "", profiles: str = PROFILES) -> dict:
    flags = "{" + ", ".join(part for part in ("send_anonymous_usage_stats: false", flags) if part) + "}"
    return {"dbt_project.yml": f"name: shop\nprofile: shop\nflags: {flags}\n{more}", "profiles.yml": profiles, **files}


def package(files: dict) -> dict:
    """The files of an installed package `other`."""
    return {
        "packages.yml": "packages: [{local: dbt_packages/other}]",
        "dbt_packages/other/dbt_project.yml": "name: other\nversion: 1.0.0\n",
        **{f"dbt_packages/other/{path}": text for path, text in files.items()},
    }


def both(name: str, flag: str, commands: list, files: dict, more: str = "", fields=()) -> list:
    """The project with the flag off and on."""
    return [
        pytest.param(project(files, f"{flag}: {value}", more), commands, fields, id=f"{name}-{value}")
        for value in ("false", "true")]


# One model: of several, dbt skips any first.
START = {"models/b.sql": "{{ config(materialized='table') }} select 1 as id"}
FAILING = "on-run-start: ['select 1', 'select 1/0', 'select 2']\non-run-end: ['select 3']\n"

FRESH = {
    "seeds/raw.csv": "id,at\n1,2001-01-01 00:00:00\n",
    "seeds/s.yml": "seeds: [{name: raw, config: {column_types: {at: timestamp}}}]",
    "models/s.yml": "sources: [{name: s, " + SCHEMA + ", config: {freshness: {warn_after: {count: 1, period: hour}}, "
                    "loaded_at_field: at}, tables: [{name: raw}]}]",
}

OVERRIDING = {
    "models/a.sql": "select 1 as id",
    **package({
        "macros/view.sql": "{% materialization view, default %}{{ log('the view of a package', info=True) }}"
                           "{% call statement('main') %}select 1{% endcall %}{{ return({'relations': [this]}) }}"
                           "{% endmaterialization %}"}),
}

BATCHES = {
    "models/a.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', begin='2020-01-01', "
                    "batch_size='year', full_refresh=false) }} select timestamp '2020-06-01' as at",
    "macros/own.sql": "{% macro get_incremental_microbatch_sql(arg_dict) %}{{ log('own strategy', info=True) }}"
                      "insert into {{ arg_dict['target_relation'] }} select * from {{ arg_dict['temp_relation'] }}{% endmacro %}",
}

STATE = {
    "models/a.sql": "{{ config(materialized=var('kind', 'view'), meta={'x': [1, 2]}) }} select 1 as id",
    "models/b.sql": "{{ config(materialized='table') }} select 1 as id",
    "models/c.sql": "{% set kind = 'table' %}{{ config(materialized=kind, tags=['t']) }} select 1 as id",
    "models/d.sql": "select 1 as id",
    "seeds/raw.csv": "id\n1\n",
    "snapshots/kept.sql": "{% snapshot kept %}{{ config(strategy='check', unique_key='id', check_cols='all', schema=var('kind', 'view')) }}"
                          "select 1 as id{% endsnapshot %}",
    "tests/single.sql": "{{ config(severity=var('severity', 'warn')) }} select 1 as id where false",
    "macros/m.sql": "{% macro test_mine(model, column_name) %}{{ config(severity='warn') }}select 1 where false{% endmacro %}",
    "models/s.yml": """
models:
  - name: d
    config: {materialized: "{{ var('kind', 'view') }}", meta: {y: "{{ var('kind', 'view') }}"}}
    columns: [{name: id, data_tests: [unique, mine, {not_null: {config: {severity: "{{ var('severity', 'warn') }}"}}}]}]
sources: [{name: s, schema: "{{ var('kind', 'view') }}", tables: [{name: t}, {name: u, config: {meta: {z: "{{ var('kind', 'view') }}"}}}]}]
exposures: [{name: page, type: dashboard, owner: {email: a@b.c}, config: {meta: {y: "{{ var('kind', 'view') }}"}}}]
seeds: [{name: raw, config: {schema: "{{ var('kind', 'view') }}"}}]
""",
}

MACROS = {
    "macros/m.sql": "{% macro one(a, b='x') %}1{% endmacro %}{% macro two(a) %}2{% endmacro %}{% macro three(a) %}3{% endmacro %}"
                    "{% macro four(a, b, c) %}4{% endmacro %}{% macro five() %}5{% endmacro %}"
                    "{% test mine(model, column_name) %}select 1{% endtest %}",
    "macros/m.yml": """
macros:
  - {name: one, arguments: [{name: b, type: string}, {name: a, type: nonsense}]}
  - {name: two, description: of two}
  - {name: three, arguments: [{name: a, type: "list[dict[str, optional[int]]]", description: d}, {name: z, type: "dict[str]"}]}
  - {name: four, arguments: [{name: a, type: relation}]}
  - {name: test_mine, arguments: [{name: model}, {name: column}]}
""",
}

WARNING = {
    **FRESH,
    "models/a.sql": "select 1 as id",
    "models/m.yml": "models: [{name: a, columns: [{name: id, data_tests: "
                    "[{accepted_values: {arguments: {values: [2]}, config: {severity: warn}}}]}]}]",
    "selectors.yml": "selectors: [{name: all, definition: '*'}]",
}

NO_SCHEMA = {
    "models/a.sql": "select 1 as id", "models/e.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
    "seeds/raw.csv": "id\n1\n",
    "macros/g.sql": "{% macro generate_schema_name(custom_schema_name, node) %}{{ return(none) }}{% endmacro %}",
}

SEARCH = {
    "models/a.sql": "select 1 as root", "models/only.sql": "select 1 as id",
    **package({"models/a.sql": "select 1 as package", "models/b.sql": "select * from {{ ref('a') }}"}),
}
SEARCH_MORE = "models: {other: {a: {+alias: x}}}\n"
ROOT_REF = {
    "models/only.sql": "select 1 as id",
    **package({"models/b.sql": "select * from {{ ref('only') }}", "models/c.sql": "select * from {{ ref('shop', 'only') }}"}),
}

ENDINGS = {
    "models/a.sql.jinja": "select {{ one() }} as id", "models/b.sql.jinja2": "select 1 as id", "models/c.sql.j2": "select 1 as id",
    "models/d.sql": "select 1 as id", "models/p.yml": "models: [{name: a, description: \"{{ doc('words') }}\"}]",
    "models/d.md.jinja": "{% docs words %}some{% enddocs %}", "models/d2.md": "{% docs words2 %}some{% enddocs %}",
    "macros/m.sql.jinja": "{% macro one() %}1{% endmacro %}", "tests/t.sql.j2": "select 1 where false",
    "analyses/x.sql.jinja": "select 1", "snapshots/kept.sql.jinja":
    "{% snapshot kept %}{{ config(strategy='check', unique_key='id', check_cols='all') }}select 1 as id{% endsnapshot %}",
}
ENDINGS_OFF = {**ENDINGS, "macros/n.sql": "{% macro one() %}1{% endmacro %}", "models/p.yml": "models: [{name: d}]"}

ANALYSES = {"analyses/folder/x.sql": "select 1", "analyses/y.sql": "select 1", "models/a.sql": "select 1 as id"}
ANALYSES_MORE = (
    "analyses: {shop: {+tags: [of_analyses], folder: {+meta: {a: 1}}, analysis: {folder: {+meta: {b: 1}}}}}\n"
    "models: {shop: {+tags: [of_models]}}\n")

ARGUMENTS = {
    "models/a.sql": "select 'x' as y",
    "models/p.yml": "models: [{name: a, columns: [{name: y, data_tests: [{accepted_values: {values: [x]}}, "
                    "{mine: {arguments: {values: [z]}}}]}]}]",
    "macros/m.sql": "{% test mine(model, column_name, values=none, arguments=none) %}select '{{ arguments }}' as a where false{% endtest %}",
}

SPACES = {"models/a b.sql": "select 1 as id", "models/e.sql": "select 1 as id"}
SPACED_SOURCES = {"models/s.yml": "sources: [{name: a source, tables: [{name: t}]}]", "models/e.sql": "select 1 as id"}

SPINE = {
    "models/metricflow_time_spine.sql": "select date '2020-01-01' as date_day",
    "models/a.sql": "select 1 as id, date '2020-01-01' as at",
    "models/s.yml": """
semantic_models:
  - name: orders
    model: ref('a')
    defaults: {agg_time_dimension: at}
    entities: [{name: id, type: primary}]
    dimensions: [{name: at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: total, agg: sum, expr: id}]
metrics:
  - {name: running, label: Running, type: cumulative, type_params: {measure: total, window: 7 days}}
""",
}
CLEAN_METRIC = {**SPINE, "models/s.yml": SPINE["models/s.yml"].replace(
    "type: cumulative, type_params: {measure: total, window: 7 days}", "type: simple, type_params: {measure: total}")}

NAMES = {"exposures/p.yml": "", "models/p.yml": "exposures: [{name: a page, type: dashboard, owner: {email: a@b.c}}]",
         "models/e.sql": "select 1 as id"}

# What the schema holds shows at the end of each run.
POINTERS = {
    "models/m_v1.sql": "select 1 as id", "models/m_v2.sql": "{{ config(materialized='table') }} select 2 as id",
    "models/aliased_v1.sql": "select 1 as id", "models/aliased_v2.sql": "select 2 as id",
    "models/asked_v1.sql": "select 1 as id", "models/unasked_v1.sql": "select 1 as id",
    "models/taken_v1.sql": "{{ config(alias='taken') }} select 1 as id",
    "models/batched_v1.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', "
                             "begin='2020-01-01', batch_size='year') }} select timestamp '2020-06-01' as at",
    "models/plain.sql": "select 1 as id",
    "models/s.yml": """
models:
  - {name: m, latest_version: 2, versions: [{v: 1}, {v: 2}], config: {post_hook: "select 'of the model'", grants: {select: [public]}}}
  - {name: aliased, latest_version: 1, versions: [{v: 1}, {v: 2}], config: {latest_version_pointer: {alias: " newest "}}}
  - {name: asked, versions: [{v: 1, config: {latest_version_pointer: {enabled: true}}}]}
  - {name: unasked, versions: [{v: 1}], config: {latest_version_pointer: {enabled: false}}}
  - {name: taken, versions: [{v: 1}]}
  - {name: batched, versions: [{v: 1}]}
""",
    "macros/show.sql": """
{% macro show() %}{% if execute %}
{% set found = run_query("select table_name, table_type, pg_get_viewdef(quote_ident(table_schema) || '.' || quote_ident(table_name)) as text, "
  ~ "has_table_privilege('public', quote_ident(table_schema) || '.' || quote_ident(table_name), 'select') as granted "
  ~ "from information_schema.tables where table_schema = '" ~ target.schema ~ "' order by 1") %}
{% for row in found.rows %}{{ log(row[0] ~ ' ' ~ row[1] ~ ' ' ~ row[3] ~ ' ' ~ (row[2] or ''), info=True) }}{% endfor %}
{% endif %}{% endmacro %}
""",
}
POINTERS_MORE = "on-run-start: ['drop view if exists {{ target.schema }}.nothing']\non-run-end: ['{{ show() }}']\n"

PLAIN = {"models/a.sql": "select 1 as id"}

STATE_COMMANDS = ["parse --target-path kept"] + [
    f"ls --select {method} --state kept --vars {{kind:_table,_severity:_error}}"
    for method in ("state:modified", "state:modified.configs", "state:modified.relation")]

CASES = [
    *both("start", "skip_nodes_if_on_run_start_fails", ["build", "run --select b"], START, FAILING),
    *both("freshness", "source_freshness_run_project_hooks",
          ["seed", "source freshness", "source freshness --warn-error"], FRESH,
          "on-run-start: ['select 1']\non-run-end: ['select 2']\n"),
    *both("freshness_without_hooks", "source_freshness_run_project_hooks", ["seed", "source freshness"], FRESH),
    *both("materialization", "require_explicit_package_overrides_for_builtin_materializations",
          ["run", "run --warn-error-options {error:_[PackageMaterializationOverrideDeprecation]}"], OVERRIDING),
    *both("microbatch", "require_batched_execution_for_custom_microbatch_strategy",
          ["parse", "run --event-time-start 2020-01-01 --event-time-end 2022-01-01",
           "run --event-time-start 2020-01-01 --event-time-end 2022-01-01"], BATCHES),
    *both("state", "state_modified_compare_more_unrendered_values", STATE_COMMANDS, STATE, fields=("unrendered_config",)),
    *both("macros", "validate_macro_args", ["parse", "parse --no-partial-parse --warn-error"], MACROS, fields=("arguments",)),
    *both("warnings", "require_all_warnings_handled_by_warn_error",
          ["seed", "run", "test --warn-error", "source freshness --warn-error", "ls --select nothing --warn-error",
           "ls --selector all --select a --warn-error"],
          WARNING),
    *both("names", "require_resource_names_without_spaces", ["parse"], SPACES),
    *both("source_names", "require_source_and_semantic_model_names_without_spaces", ["parse"], SPACED_SOURCES),
    # A schema that is none stands in dbt's manifest as the text None, in its list as null; ours is null in both.
    *both("schema", "require_valid_schema_from_generate_schema_name", ["parse", "ls --no-partial-parse --output json --output-keys unique_id schema"],
          NO_SCHEMA, fields=("relation_name",)),
    *both("search", "require_ref_searches_node_package_before_root", ["parse"], SEARCH, SEARCH_MORE, fields=("depends_on",)),
    *both("search_root", "require_ref_searches_node_package_before_root", ["parse", "parse --no-partial-parse --warn-error"], ROOT_REF,
          fields=("depends_on",)),
    pytest.param(project(ENDINGS, "allow_jinja_file_extensions: true"), ["build", "ls"], ("description",), id="endings-true"),
    pytest.param(project(ENDINGS_OFF), ["build", "ls"], ("description",), id="endings-false"),
    *both("analyses", "require_corrected_analysis_fqns", ["ls --resource-type analysis", "compile"], ANALYSES, ANALYSES_MORE,
          fields=("fqn", "path", "config", "unrendered_config")),
    *both("arguments", "require_generic_test_arguments_property", ["parse", "build --no-partial-parse"], ARGUMENTS),
    *both("cumulative", "require_nested_cumulative_type_params", ["parse"], SPINE),
    *both("spine", "require_yaml_configuration_for_mf_time_spines", ["parse"], CLEAN_METRIC),
    *both("pointers", "latest_version_pointer_enabled_by_default",
          ["run --event-time-start 2020-01-01 --event-time-end 2022-01-01 --full-refresh",
           "run --event-time-start 2020-01-01 --event-time-end 2022-01-01", "run --select m"], POINTERS, POINTERS_MORE),
    *both("named", "require_event_names_in_deprecations", ["parse"], NAMES),
    pytest.param(project(PLAIN, profiles=PROFILES + "config: {fail_fast: true, printer_width: 60}\n"), ["parse"], (), id="profiles-both"),
    pytest.param({**project(PLAIN, profiles=PROFILES + "config: {send_anonymous_usage_stats: false, printer_width: 60}\n"),
                  "dbt_project.yml": "name: shop\nprofile: shop\n"}, ["parse", "parse --warn-error", "deps", "clean"], (),
                 id="profiles-config"),
    *[pytest.param(project(NAMES, flags), ["parse"], (), id=f"types-{place}") for place, flags in enumerate(
        f"printer_width: 40, {other}" for other in [
            "unknown_flag: 1", "fail_fast: maybe", "validate_macro_args: perhaps", "use_colors: 1", "indirect_selection: all",
            "log_format: xml", "validate_macro_args: null", "fail_fast: null", "maximum_seed_size_mib: '1'",
            "warn_error_options: {error: Nonsense}", "warn_error_options: {error: [Nonsense]}",
            "warn_error_options: {silence: [ExposureNameDeprecation]}", "warn_error_options: {error: [1]}",
            "warn_error_options: {error: all, include: all}", "require_resource_names_without_spaces: 'false'"])],
]

# Of each flag that changes most, the state that is not dbt's default.
FAST = {
    "start-false", "freshness-false", "materialization-false", "state-true", "macros-true", "names-false", "search-true",
    "endings-true", "pointers-true", "types-2",
}


@pytest.mark.parametrize(("files", "commands", "fields"), [
    pytest.param(*case.values, id=case.id, marks=[pytest.mark.fast] if case.id in FAST else []) for case in CASES])
def test_does_what_dbt_does(files, commands, fields, tmp_path_factory):
    folders = test_command_line.place(files, tmp_path_factory)
    for line in commands:
        test_command_line.compare(folders, line)
    if fields and (folders["dbts"] / "target" / "manifest.json").exists():
        ours, dbts = (members(folders[whose], fields, whose) for whose in ("ours", "dbts"))
        assert ours == dbts


def members(folder, fields, whose: str) -> dict:
    """The fields of all resources of the project and its package, of the manifest of the last command."""
    text = test_command_line.without_schema((folder / "target" / "manifest.json").read_text(), whose)
    manifest = json.loads(text.replace(str(folder), "FOLDER"))
    found = {}
    for kind in ("nodes", "sources", "exposures", "macros", "metrics"):
        for name, entry in manifest[kind].items():
            if entry["package_name"] in ("shop", "other"):
                found[name] = {field: entry[field] for field in fields if field in entry}
    return found
