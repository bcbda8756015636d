"""Pytest plugin: lets dbt's public adapter tests drive our executable, on a PostgreSQL of its own.

Load it with `-p conformance` (this folder's conftest does). `SALLYPORT_CONFORMANCE=dbt` leaves dbt's own runner in place: what
passes then is what can be asked of us. Options and the table of exceptions: README.md beside this file.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Integration")]

import dbt.cli.main  # noqa: E402
import dbt.flags  # noqa: E402
import dbt_common.behavior_flags  # noqa: E402

DRIVES_DBT = os.environ.get("SALLYPORT_CONFORMANCE", "") == "dbt"
if not DRIVES_DBT:
    import runner

    dbt.cli.main.dbtRunner = runner.SallyportRunner
    import dbt.tests.util

    dbt.tests.util.dbtRunner = runner.SallyportRunner

# An adapter asks for each of its flags which module calls it, and walks all the frames below pytest for the answer.
dbt_common.behavior_flags.BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt.adapters.postgres.impl")

# dbt renders profiles by its global flags, which fixtures read before any command has set them.
dbt.flags.set_from_args(argparse.Namespace(), None)

import exceptions  # noqa: E402

pytest_plugins = ["dbt.tests.fixtures.project"]

ROLES = ("dbt_test_user_1", "dbt_test_user_2", "dbt_test_user_3")


def pytest_addoption(parser):
    group = parser.getgroup("conformance")
    group.addoption("--module", action="append", default=[], help="only this module of dbt.tests.adapter (basic, hooks, …)")
    group.addoption("--fast", action="store_true", help="one small class of each module: what `make test` runs")
    group.addoption("--of", default="dbt's adapter suite", help="how the line with the counts calls these tests")
    group.addoption("--summary", metavar="FILE", help="adds the line with the counts to this file")
    group.addoption("--outcomes", metavar="FILE", help="adds a line for each test to this file: passed, failed, …, and its name")


def pytest_configure(config):
    config.addinivalue_line("markers", "module(name): the module of dbt.tests.adapter that a class comes from")
    if DRIVES_DBT or hasattr(config, "workerinput"):
        pass
    elif not runner.binary().exists():
        raise pytest.UsageError(f"{runner.binary()} is missing: build it, or name another by SALLYPORT_BINARY")
    if not hasattr(config, "workerinput"):
        config._conformance = contextlib.ExitStack()
        config._conformance.enter_context(warehouse())


def pytest_unconfigure(config):
    if hasattr(config, "_conformance"):
        config._conformance.close()


@contextlib.contextmanager
def warehouse():
    """A PostgreSQL with the user, the roles and the databases that the suite expects; its address in the environment."""
    import stage

    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-conformance-"))
    folder.chmod(0o755)
    postgres = stage.Postgres(folder)
    try:
        password = postgres.password
        postgres.execute(f"create role root superuser login password '{password}'")
        for role in (*ROLES, "noaccess"):
            postgres.execute(f"create role {role} login password '{password}'")
        for name in ("dbt", "dbtMixedCase"):
            postgres.execute(f'create database "{name}" owner root', database="postgres")
        postgres.execute("revoke connect on database dbt from public", database="postgres")
        postgres.execute(f"grant connect on database dbt to {', '.join(ROLES)}", database="postgres")
        os.environ.update(
            POSTGRES_TEST_HOST="localhost", POSTGRES_TEST_PORT=str(postgres.port), POSTGRES_TEST_USER="root",
            POSTGRES_TEST_PASS=password, POSTGRES_TEST_DATABASE="dbt",
            **{f"DBT_TEST_USER_{number + 1}": role for number, role in enumerate(ROLES)})
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef):
    """Classes that write the address of a server of their own into the profile mean ours."""
    value = yield
    if fixturedef.argname == "dbt_profile_data":
        for profile in value.values():
            outputs = profile.get("outputs", {}) if isinstance(profile, dict) else {}
            for output in outputs.values():
                if output.get("port") == 5432:
                    output.update(
                        port=int(os.environ["POSTGRES_TEST_PORT"]), user=os.environ["POSTGRES_TEST_USER"],
                        **{"pass": os.environ["POSTGRES_TEST_PASS"]})
    return value


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("--module")
    kept, left = [], []
    for item in items:
        marker = item.get_closest_marker("module")
        keeps = not wanted or (marker and marker.args[0] in wanted)
        if config.getoption("--fast"):
            keeps = keeps and item.get_closest_marker("fast") is not None
        (kept if keeps else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)
    if DRIVES_DBT:
        return
    for item in items:
        reason = exceptions.reason(name_of(item.nodeid))
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=reason not in exceptions.UNSTEADY))


def name_of(nodeid: str) -> str:
    """`basic::Empty::test_empty` for the generated classes; file, class and function for others."""
    path, *rest = nodeid.split("::")
    if path.endswith("test_adapter_suite.py"):
        module, _, base = rest[0].removeprefix("Test_").rpartition("__")
        return "::".join([module, base, *rest[1:]])
    return "::".join([pathlib.Path(path).parent.name, pathlib.Path(path).stem, *rest])


# What a report's outcome counts as (a listed exception that must not pass and does is reported as failed); of several reports on one test the last kind here counts.
KINDS = {
    "passed": "passed", "skipped": "skipped", "xfailed": "excepted", "xpassed": "passed", "error": "failed",
    "failed": "failed"}


def outcomes_of(terminalreporter) -> dict[str, str]:
    """What became of each test, by its name."""
    found: dict[str, str] = {}
    for outcome, kind in KINDS.items():
        for report in terminalreporter.stats.get(outcome, []):
            if outcome != "passed" or report.when == "call":
                found[name_of(report.nodeid)] = kind
    return found


def pytest_terminal_summary(terminalreporter, config):
    """Counts by module, and one line with all: passed, failed, excepted, skipped."""
    if hasattr(config, "workerinput"):
        return  # the process that started this one counts for both
    found = outcomes_of(terminalreporter)
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for name, kind in found.items():
        counts[name.split("::")[0]][kind] += 1
    columns = ("passed", "failed", "excepted", "skipped")
    write = terminalreporter.write_line
    write(f"{'':28}" + "".join(f"{name:>10}" for name in columns))
    for module, counter in sorted(counts.items()):
        write(f"{module:28}" + "".join(f"{counter[name]:>10}" for name in columns))
    total = collections.Counter(found.values())
    line = f"conformance of {'dbt itself' if DRIVES_DBT else 'sallyport dbt'}, {config.getoption('--of')}: " + ", ".join(
        f"{total[name]} {name}" for name in columns) + f" of {len(found)} tests"
    write(line)
    for path, text in ((config.getoption("--summary"), line + "\n"), (config.getoption("--outcomes"), "".join(
            f"{kind} {name}\n" for name, kind in sorted(found.items())))):
        if path:
            with open(path, "a", encoding="utf-8") as file:
                file.write(text)
