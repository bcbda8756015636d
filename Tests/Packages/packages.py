"""What the continuous integration of each package runs on PostgreSQL, and which of its columns hold times of the run."""

from __future__ import annotations

import dataclasses

import elementary
from compare import Command, Edit, Sql, dbt


@dataclasses.dataclass
class Package:
    """A checkout. `project` is the folder in it whose commands are run; `needs` are checkouts that it depends on."""

    name: str
    steps: list[Command | Edit | Sql]
    needs: tuple[str, ...] = ()
    project: str = "integration_tests"
    # With one, nodes that write the same file do so in the same order.
    threads: int = 1
    # Regular expressions of unique ids whose results rest on random data, and are not compared.
    chance: tuple[str, ...] = ()
    # By `schema.relation` and `*`: columns of which only null or not null is compared.
    volatile: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    # Regular expressions of texts in compiled code and messages that differ from run to run, and what stands for them.
    plain: dict[str, str] = dataclasses.field(default_factory=dict)


# Times and ids of runs, and what is made of them.
RUNS = {"*": {
    "command_invocation_id", "run_started_at", "compile_started_at", "query_completed_at", "total_node_runtime",
    "model_execution_id", "node_execution_id", "seed_execution_id", "test_execution_id", "snapshot_execution_id",
    "source_execution_id", "exposure_execution_id", "generated_at", "all_results", "invocation_args", "last_full_refresh_run_completed_at",
    "last_full_refresh_run_total_runtime", "last_run_completed_at", "last_run_total_runtime",
    "last_incremental_run_completed_at", "last_incremental_run_total_runtime", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from"}}
TIMES = {
    r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+(Z|\+00(:00)?)?": "TIME",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "UUID"}

# Its tables are made with random().
RANDOM = {f"dbt_expectations_integration_tests.{name}": {"row_value", "row_value_log"} for name in (
    "timeseries_data", "timeseries_data_extended", "timeseries_data_grouped", "timeseries_hourly_data_extended")}

# What snowplow's own scripts run, less the web vitals.
FEW_DAYS = ("--vars", "{snowplow__allow_refresh: true, snowplow__backfill_limit_days: 243, snowplow__enable_cwv: false}")
NO_VITALS = ("--vars", "{snowplow__enable_cwv: false}")

# Skipped on PostgreSQL by its own CI.
UNSKIPPED = ("--exclude", "tag:skip+", "tag:temporary_skip+")

PACKAGES = [
    Package("dbt_utils", [dbt("deps"), dbt("build", "--full-refresh")], volatile={"an.recency_time_included": {"created_at"}}),
    Package("dbt_date", [dbt("deps"), dbt("build")]),
    Package("dbt_expectations", [dbt("deps"), dbt("build")], needs=("dbt_date",), volatile=RANDOM,
            chance=("moving_stdevs", "within_n_stdevs")),
    Package("codegen", [
        dbt("--warn-error", "deps"), dbt("--warn-error", "run-operation", "create_source_table"),
        dbt("--warn-error", "seed", "--full-refresh"), dbt("--warn-error", "run"), dbt("--warn-error", "test"),
    ], needs=("dbt_utils",)),
    Package("audit_helper", [
        dbt("deps"), dbt("seed", "--full-refresh"), dbt("run", *UNSKIPPED), dbt("test", *UNSKIPPED),
    ], needs=("dbt_utils",), volatile={"an.unit_test_model_a": {"created_at"}, "an.unit_test_model_b": {"created_at"}},
        plain={r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00(:00)?": "TIME"}),
    Package("elementary", elementary.STEPS, needs=("dbt_utils",), project="integration_tests/dbt_project", threads=4,
            volatile=elementary.VOLATILE, plain=elementary.PLAIN),
    Package("jaffle_shop", [dbt("deps"), dbt("seed"), dbt("run"), dbt("test"), dbt("docs", "generate")], project="."),
    Package("dbt_unit_testing", [
        dbt("deps"), dbt("run-operation", "macro_with_ref"),
        dbt("build", "--select", "tag:unit-test,tag:postgres", "--exclude", "tag:versioned", "tag:db-dependency"),
        dbt("seed", "--select", "seeds/real_seeds"),
        dbt("test", "--select", "tag:unit-test,tag:postgres", "--exclude", "tag:versioned", "tag:db-dependency"),
        dbt("seed", "--select", "seeds/existing_sources"), dbt("run", "--select", "tag:add-to-database"),
        dbt("test", "--select", "tag:unit-test,tag:postgres,tag:db-dependency"),
    ], needs=("dbt_utils",), project="integration-tests", plain={"dbt_unit_testing_(dbt|sal)": "DATABASE"}),
    Package("dbt_artifacts", [dbt("deps"), dbt("build")], project="integration_test_project", volatile=RUNS, plain=TIMES),
    # One macro of a kind, since several come as columns in the order of a Python set.
    Package("dbt_project_evaluator", [
        dbt("deps"), dbt("build", "--full-refresh", "--vars", "{primary_key_test_macros: [[dbt.test_unique]]}"),
    ], needs=("dbt_utils",), volatile={"*": {"measured_at"}}),
    Package("github", [
        dbt("deps"), dbt("seed", "--full-refresh"), dbt("run", "--full-refresh"), dbt("test"),
        dbt("run", "--vars", "{github__using_repo_team: false, github__using_github_label: false}", "--full-refresh"), dbt("test"),
    ], needs=("fivetran_utils", "spark_utils", "dbt_utils")),
    Package("shopify", [
        dbt("deps"), dbt("seed", "--full-refresh"), dbt("run", "--full-refresh"), dbt("run"), dbt("test"),
    ], needs=("fivetran_utils", "spark_utils", "dbt_utils")),
    Package("snowplow_utils", [
        dbt("deps"), dbt("seed", "--full-refresh"), dbt("run", "--exclude", "tag:requires_script", "--full-refresh"),
        dbt("test", "--exclude", "tag:requires_script", "--vars", "{store_failures: true}"),
        dbt("run", "--select", "tag:base_macro", "--full-refresh", "--vars", "snowplow__custom_test: true"),
        dbt("test", "--select", "tag:base_macro", "--vars", "{snowplow__custom_test: true, store_failures: true}"),
    ], needs=("dbt_utils", "dbt_unittest")),
    Package("snowplow_web", [
        dbt("deps"), dbt("seed", "--full-refresh"), dbt("run", "--full-refresh", *FEW_DAYS), dbt("run", *NO_VITALS),
        dbt("run", *NO_VITALS),
        dbt("test", "--exclude", "snowplow_web_vital_measurements", "snowplow_web_vital_measurements_actual",
            "snowplow_web_vital_events_this_run", "--store-failures"),
    ], needs=("snowplow_utils", "dbt_utils")),
]
