"""What is run of elementary, whose own tests are driven by a Python package: its models, its hooks, and tests of its kinds.

Times of the data are around `custom_run_started_at`, so that both runs see the same days.
"""

from __future__ import annotations

from compare import Edit, Sql, dbt

NOW = "{custom_run_started_at: '2024-03-20 08:00:00', debug_logs: true, enable_elementary_test_materialization: true}"

DATA = """
create schema an;
create table an.metrics_seed1 as select 1 as metric, 'one' as name;
create table an.metrics_seed2 as select 2 as metric, 'two' as name;
create table an.metrics_seed3 as select 3 as metric, 'three' as name;
create table an.visits as
  select d::date + interval '1 hour' * (n % 23) as visited_at, n as visitor, 'page ' || n % 3 as page,
    case when n % 7 = 0 then null else n * 1.5 end as seconds, '{"n": ' || n || '}' as detail
  from generate_series(timestamp '2024-03-01', timestamp '2024-03-19', interval '1 day') d,
    lateral generate_series(1, case when d::date = date '2024-03-19' then 90 else 30 + extract(day from d)::int % 3 end) n;
"""

MODEL = """{{ config(materialized='incremental', meta={'owner': 'ann'}, tags=['watched']) }}
select * from {{ source('test_data', 'visits') }}
"""

# Is compiled, and no database here runs it.
PYTHON = """import pandas as pd

def model(dbt, session):
    dbt.config(materialized="table", tags=["py"])
    limit = dbt.config.get("limit", 5)
    return dbt.source("test_data", "metrics_seed3").limit(limit)
"""

TESTS = """
version: 2
sources:
  - name: test_data
    schema: "{{ target.schema }}"
    tables:
      - name: metrics_seed1
      - name: metrics_seed2
      - name: metrics_seed3
      - name: visits
        config: {loaded_at_field: visited_at, freshness: {warn_after: {count: 1, period: day}}}
models:
  - name: watched
    config: {elementary: {timestamp_column: visited_at}}
    columns:
      - name: seconds
        data_tests:
          - elementary.column_anomalies: {arguments: {column_anomalies: [null_count, average, max], time_bucket: {period: day, count: 1}}}
          - not_null
      - name: page
        data_tests:
          - elementary.column_anomalies
          - accepted_values: {arguments: {values: ['page 0', 'page 1', 'page 2']}}
      - name: visitor
        data_tests:
          - unique: {config: {severity: warn}}
    data_tests:
      - elementary.volume_anomalies: {arguments: {time_bucket: {period: day, count: 1}}}
      - elementary.volume_anomalies: {arguments: {anomaly_direction: drop}, name: no_drop}
      - elementary.freshness_anomalies
      - elementary.event_freshness_anomalies: {arguments: {event_timestamp_column: visited_at}}
      - elementary.all_columns_anomalies: {arguments: {exclude_prefix: detail}}
      - elementary.dimension_anomalies: {arguments: {dimensions: [page]}}
      - elementary.schema_changes
      - elementary.volume_threshold
"""


def command(*words: str, code: int = 0):
    return dbt(*words, "--vars", NOW, code=code)


STEPS = [
    Edit("models/metrics/python/metrics_python_table.py", PYTHON), Sql(DATA), Edit("models/tmp/watched.sql", MODEL), Edit("models/test_data.yaml", TESTS),
    dbt("deps"),
    command("run", "--selector", "init"),
    command("run", "--select", "elementary"),
    command("build", "--exclude", "watched"),
    command("run"), command("test"),
    Sql("alter table an.watched add column more text; insert into an.watched (visitor, page) values (1, 'other')"),
    command("test", "--select", "watched"),
    command("source", "freshness"),
    command("run-operation", "elementary_tests.create_all_types_table"),
    command("run-operation", "elementary.upload_dbt_artifacts"),
    command("run-operation", "elementary.generate_elementary_cli_profile"),
    command("run-operation", "elementary.generate_schema_baseline_test", "--args", "{name: watched}"),
    command("run-operation", "elementary_tests.clear_env"),
]

VOLATILE: dict[str, set[str]] = {"*": {
    "created_at", "generated_at", "detected_at", "updated_at", "execute_started_at", "execute_completed_at", "compile_started_at",
    "compile_completed_at", "execution_time", "run_started_at", "run_completed_at", "invocation_id", "model_execution_id",
    "test_execution_id", "id", "metadata_hash", "thread_id"},
    # dbt notes at run time which macros a test's materialization and a Python model's code call, and shows them in `graph`
    # from then on.
    "an_elementary.dbt_tests": {"depends_on_macros"}, "an_elementary.dbt_models": {"depends_on_macros"},
    "an_elementary.dbt_source_freshness_results": {"max_loaded_at_time_ago_in_s"},
    "an_elementary.alerts_dbt_source_freshness": {"max_loaded_at_time_ago_in_s"}}

PLAIN = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "UUID", r"\b[0-9a-f]{32}\b": "MD5",
    # The data are of 2024.
    r"20(2[5-9]|[3-9]\d)-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?": "TIME", r"__tmp_\d{20}": "__tmp_TIME"}
