"""What stands before the statements of a project with a `query-comment` of its own, beside dbt: the database itself says it."""

from __future__ import annotations

import json

import pytest

import conformance
import test_behaviour_flags
import test_command_line

pytestmark = [
    pytest.mark.module("query_comments"),
    pytest.mark.skipif(conformance.DRIVES_DBT, reason="compares dbt with our executable"),
]

FILES = {
    "models/a.sql": "{{ said() }}select 1 as id",
    "models/s.yml": "models: [{name: a, columns: [{name: id, data_tests: [unique]}]}]",
    "macros/m.sql": """
{% macro said(more='') %}{% if execute %}{{ log(run_query("select current_query()" ~ more).rows[0][0], info=True) }}{% endif %}{% endmacro %}
{% macro own(node) %}of {{ node.name if node else 'nobody' }}{% endmacro %}
{% macro asks() %}{{ node is defined }} {{ connection_name is defined }}{% endmacro %}
{% macro sent() %}{{ said() }}{{ said(';') }}{{ said(' ; \n') }}{% endmacro %}
""",
    **test_behaviour_flags.package({"macros/m.sql": "{% macro from_package() %}of a package{% endmacro %}"}),
}
MORE = "vars: {told: by the project, shop: {told: by its section}}\non-run-start: ['{{ said() }}']\non-run-end: ['{{ said() }}']\n"
TOLD = """--vars {"told":"by_the_line","made":"{{target.name}}"}"""

COMMENTS = {
    "var": "told {{ var('told', 'by nobody') }}",
    "var_made": "made {{ var('made', 'by nobody') }} {{ var.has_var('told') }}",
    "names": "{{ node.unique_id }}|{{ connection_name }}|{{ target.name }}|{{ project_name }}|{{ dbt_version }}|{{ execute }}",
    "more_names": "{{ flags.WHICH }} {{ invocation_id is defined }} {{ model is defined }} {{ this is defined }} {{ adapter is defined }} "
                  "{{ ref is defined }} {{ graph is defined }} {{ api is defined }} {{ run_query is defined }} {{ statement is defined }} "
                  "{{ schema is defined }} {{ config is defined }} {{ exceptions is defined }} {{ thread_id is defined }} "
                  "{{ env_var is defined }} {{ modules is defined }} {{ context is defined }} {{ source is defined }} {{ database is defined }} "
                  "{{ sql is defined }} {{ selected_resources is defined }} {{ builtins is defined }} {{ target is defined }} "
                  "{{ store_result is defined }} {{ pre_hooks is defined }} {{ is_incremental is defined }} {{ log is defined }} "
                  "{{ query_comment_macro is defined }} {{ diff_of_two_dicts is defined }} {{ local_md5 is defined }}",
    "node": "{{ node.resource_type }} {{ node['name'] }} {{ node.config.materialized if node }} {{ node is none }} {{ node.nothing }}",
    "node_of_caller": "{{ asks() }}",
    "macro": "{{ own(node) }} and {{ shop.own(node) }} {{ other.from_package() }} {{ from_package is defined }}",
    "lines": "\n\n one \n\n  two\n",
    "blank": " \n ",
    "empty_when_rendered": "{% if false %}x{% endif %}",
    "note": "{# nothing #}",
    "blank_when_rendered": "{{ '  ' }}",
    "returned": "{{ return('returned') }} after",
    "closing": "a */ b",
    "closing_by_node": "a {{ '*/' if node else '' }}",
    "environment": "{{ env_var('NOT_SET_AT_ALL', 'fallback') }}",
    "none": None,
    "appended": {"comment": "x {{ connection_name }}", "append": True},
    "appended_standard": {"append": True},
    "not_appended": {"comment": "x", "append": False},
    "labelled": {"comment": "x", "job-label": True},
}

# What fails, and what both say of it; ours says where, too.
FAULTS = {
    "var": ("told {{ var('told') }}", "Required var 'told' not found in config:"),
    "raises": ("{{ exceptions.raise_compiler_error('not so') }}", "'exceptions' is undefined"),
    "raises_by_node": ("{{ exceptions.raise_compiler_error('not so') if node }}", "'exceptions' is undefined"),
    "raises_in_macro": ("{{ adapter.dispatch('own')(node) }}", "'adapter' is undefined"),
    "divides": ("{{ 1 / 0 }}", "division by zero"),
    "divides_by_node": ("{{ 1 / 0 if node else 1 }}", "division by zero"),
    "syntax": ("a {{ 'x' ", "expected token 'end of print statement', got '{'"),
    "undefined": ("{{ nothing.at.all }}", "'nothing' is undefined"),
    "ref": ("{{ ref('a') }}", "'ref' is undefined"),
    "environment": ("{{ env_var('NOT_SET_AT_ALL') }}", "Env var required but not provided: 'NOT_SET_AT_ALL'"),
    "secret": ("{{ env_var('DBT_ENV_SECRET_WORD', 'x') }}",
               "Secret env vars are allowed only in profiles.yml or packages.yml. Found 'DBT_ENV_SECRET_WORD' referenced elsewhere."),
    "query": ("{{ run_query('select 1') }}", "'load_result' is undefined"),
    "number": (3, "at path ['query-comment']: 3 is not valid under any of the given schemas"),
    "list": (["x"], "at path ['query-comment']: ['x'] is not valid under any of the given schemas"),
    "no_text": ({"comment": None}, "at path ['query-comment']: {'comment': None} is not valid under any of the given schemas"),
    "unknown_member": ({"comment": "x", "other": 1},
                       "at path ['query-comment']: {'comment': 'x', 'other': 1} is not valid under any of the given schemas"),
}


def placed(comment, tmp_path_factory) -> dict:
    """The project with the comment, of either side."""
    return test_command_line.place(
        test_behaviour_flags.project(FILES, more=MORE + f"query-comment: {json.dumps(comment)}\n"), tmp_path_factory)


# One that every command makes anew.
FAST = {"node"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.fast] if name in FAST else []) for name in COMMENTS])
def test_stands_where_dbt_puts_it(name, tmp_path_factory):
    folders = placed(COMMENTS[name], tmp_path_factory)
    for line in ["parse", "build", f"run {TOLD}", "run-operation sent"]:
        test_command_line.compare(folders, line)


@pytest.mark.parametrize("name", FAULTS)
def test_fails_where_dbt_fails(name, tmp_path_factory):
    comment, message = FAULTS[name]
    folders = placed(comment, tmp_path_factory)
    for line in ["parse", "build"]:
        ours, dbts = (test_command_line.run_as(folders, whose, line) for whose in ("ours", "dbts"))
        assert ours[0] == dbts[0]
        told = [any(message in text for text in side[1]) for side in (ours, dbts)]
        assert told == [dbts[0] != 0] * 2, (ours, dbts)
