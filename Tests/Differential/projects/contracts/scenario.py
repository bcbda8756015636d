"""Contracts with every constraint on tables, views and incremental models, and models of several versions."""

from compare import Edit, dbt

STEPS = [
    dbt("run", "--exclude", "typed_incremental"),
    dbt("build", "--exclude", "typed_incremental", code=1),
    dbt("run", "--select", "typed", "--vars", "{amount: \"'text'\"}", code=1),
    dbt("run", "--select", "typed", "--vars", "{amount: '-1.0::numeric(10, 2)'}", code=1),
    dbt("run", "--select", "typed_view", "--vars", "{extra: true}", code=1),
    dbt("run", "--select", "typed_incremental", code=1),
    Edit("models/typed_incremental.sql", """{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}
select 1 as id, 'b' as code, 2.5::numeric as more"""),
    dbt("run", "--select", "typed_incremental"),
    dbt("run", "--select", "typed_incremental"),
    dbt("run", "--select", "ship", "reader"),
    dbt("run", "--select", "ship.v1", "ship_v2"),
    dbt("test", "--select", "version:latest"),
    dbt("run", "--full-refresh", "--exclude", "typed_incremental"),
]
