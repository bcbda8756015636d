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


# Its tables are made with random().
RANDOM = {f"dbt_expectations_integration_tests.{name}": {"row_value", "row_value_log"} for name in (
    "timeseries_data", "timeseries_data_extended", "timeseries_data_grouped", "timeseries_hourly_data_extended")}

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
]
