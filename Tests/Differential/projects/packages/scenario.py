"""Two packages beside the project: dispatch, overrides, vars, hooks of each, operations."""

from compare import Edit, dbt

STEPS = [
    dbt("build"),
    dbt("run", "--vars", "{region: east, season: autumn}", "--select", "package:ports"),
    dbt("run", "--select", "top+"),
    dbt("run-operation", "count_ports"),
    dbt("run-operation", "tools.clash"),
    dbt("run-operation", "twice", "--args", "{value: 2}"),
    dbt("run-operation", "no_such_macro", code=2),
    dbt("run-operation", "note", "--args", "{text: hello}"),
    Edit("models/broken_hook.sql", "{{ config(post_hook='select no_such_column') }}\nselect 1 as id\n"),
    dbt("run", code=1),
    Edit("models/broken_hook.sql", None),
    Edit("macros/broken.sql", "{% macro note(text) %}select {{ text }} from no_such_table{% endmacro %}\n"),
    Edit("macros/own.sql", "{% macro count_ports() %}{% endmacro %}\n"),
    # Else dbt leaves the packages' hooks in the schema that the removed macro named.
    dbt("run", code=1, DBT_PARTIAL_PARSE="false"),
]
