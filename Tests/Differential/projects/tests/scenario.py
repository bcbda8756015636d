"""Data tests of every severity and store, unit tests with all their inputs, and what they hold up in a build."""

from compare import dbt

STEPS = [
    dbt("seed"),
    dbt("build", "--exclude", "tag:unit_failing", "ports_data", code=1),
    dbt("run", "--exclude", "broken", "broken_table", "after_broken"),
    dbt("test", code=1),
    dbt("test", "--select", "test_type:unit", code=1),
    dbt("test", "--select", "test_type:data", "--store-failures", code=1),
    dbt("test", "--select", "warned", "--warn-error", code=1),
    dbt("test", "--select", "passes", "--vars", "{factor: 9}"),
    dbt("build", "--select", "+incremental_ports", "--exclude", "ports_data", code=1),
    # A chain, since what fail-fast leaves out hangs on the order, in which Sallyport goes its own way.
    dbt("build", "--fail-fast", "--select", "warned_count", "broken_table", "after_broken", code=1),
]
