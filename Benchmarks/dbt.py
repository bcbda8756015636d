"""Parsing, compiling and building dbt projects: Sallyport beside dbt-core and psql, on generated projects, in one run.

Prints CPU seconds, wall seconds and peak memory of each, and the ratios. `--models 100,1000,5000` chooses sizes,
`--build 300` the number of views built, `--threads 4`; `--no-dbt` measures Sallyport alone, `--no-build` starts no database.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Integration"))

import stage as stage_module  # noqa: E402


def generate(folder: pathlib.Path, models: int) -> pathlib.Path:
    """Models in folders of a hundred, each reading two before it, each with two tests and a described column."""
    folder.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: bench\nversion: '1.0'\nprofile: bench\nvars: {start: '2024-01-01'}\n"
        "models: {bench: {+materialized: view, +tags: [all]}}\n")
    (folder / "profiles.yml").write_text(
        "bench: {target: dev, outputs: {dev: {type: postgres, host: 127.0.0.1, port: \"{{ env_var('BENCH_PORT', '1') | as_number }}\", "
        "user: harbor, password: \"{{ env_var('DBT_ENV_SECRET_BENCH_PASSWORD', 'no-password-yet') }}\", dbname: harbor, schema: bench, threads: 4}}}\n")
    (folder / "macros").mkdir()
    (folder / "macros" / "clean.sql").write_text("{% macro clean(column) %}trim({{ column }}){% endmacro %}\n")
    for start in range(0, models, 100):
        group = folder / "models" / f"group_{start // 100}"
        group.mkdir(parents=True)
        properties = ["models:"]
        for number in range(start, min(start + 100, models)):
            if number < 10:
                source = "select 1 as id, 'a'::text as name"
            else:
                source = (
                    f"select a.id, {{{{ clean('a.name') }}}} as name from {{{{ ref('model_{number // 2}') }}}} a\n"
                    f"join {{{{ ref('model_{number // 3}') }}}} b on a.id = b.id\n"
                    "{% if var('start') > '2023' %}where a.id > 0{% endif %}")
            (group / f"model_{number}.sql").write_text(
                "{{ config(materialized='view', meta={'owner': 'team'}) }}\n" + source + "\n")
            properties += [
                f"  - name: model_{number}", f"    description: Model {number}", "    columns:", "      - name: id",
                "        description: The key", "        data_tests: [unique, not_null]"]
        (group / "properties.yml").write_text("\n".join(properties) + "\n")
    return folder


class Measure:
    """One command: wall and CPU seconds, peak resident memory in MB."""

    def __init__(self, command: list[str], environment: dict[str, str], cwd: pathlib.Path):
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.monotonic() - started
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss / 1024
        if process.returncode != 0:
            raise RuntimeError(f"{command[:3]} failed:\n{self.output[-2000:]}")

    def __str__(self) -> str:
        return f"wall {self.wall:8.3f} s   CPU {self.cpu:8.3f} s   peak {self.memory:7.0f} MB"


def ratio(name: str, theirs: Measure, ours: Measure) -> None:
    print(
        f"    {name}: dbt / sallyport = CPU {theirs.cpu / ours.cpu:.0f}x, wall {theirs.wall / ours.wall:.0f}x, "
        f"memory {theirs.memory / ours.memory:.1f}x")


class Bench:
    def __init__(self, scratch: pathlib.Path, dbt: bool):
        self.scratch = scratch
        self.compares = dbt
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            "SALLYPORT_MACROS": str(stage_module.MACROS), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

    def ours(self, project: pathlib.Path, *words: str, target: pathlib.Path) -> Measure:
        return Measure([str(stage_module.BINARY), "dbt", *words, *self.places(project, target)], self.environment, project)

    def theirs(self, project: pathlib.Path, *words: str, target: pathlib.Path) -> Measure:
        return Measure([str(stage_module.VENV / "dbt"), *words, *self.places(project, target), "--log-path", str(target)], self.environment, project)

    @staticmethod
    def places(project: pathlib.Path, target: pathlib.Path) -> list[str]:
        return ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target)]

    def parsing(self, models: int) -> tuple[float, float]:
        """Prints cold and warm parsing; answers our CPU seconds and peak memory of the cold one."""
        project = generate(self.scratch / f"parse_{models}", models)
        print(f"\n{models} models, {2 * models} tests")
        cold = self.ours(project, "parse", target=self.scratch / f"own_{models}")
        touched = project / "models" / "group_0" / "model_0.sql"
        touched.write_text(touched.read_text() + "-- touched\n")
        warm = self.ours(project, "parse", target=self.scratch / f"own_{models}")
        warm_list = self.ours(project, "list", "--quiet", "--no-write-json", "--select", "model_1", target=self.scratch / f"own_{models}")
        compiled = self.ours(project, "compile", "--no-populate-cache", target=self.scratch / f"own_{models}")
        for name, measure in (("cold parse", cold), ("warm parse, one file touched", warm), ("list of one model", warm_list), ("compile", compiled)):
            print(f"  sallyport {name:30} {measure}")
        if self.compares:
            target = self.scratch / f"dbt_{models}"
            theirs = [("cold parse", self.theirs(project, "parse", target=target), cold)]
            touched.write_text(touched.read_text() + "-- again\n")
            theirs.append(("warm parse, one file touched", self.theirs(project, "parse", target=target), warm))
            theirs.append(("compile", self.theirs(project, "compile", "--no-populate-cache", target=target), compiled))
            for name, measure, own in theirs:
                print(f"  dbt-core  {name:30} {measure}")
            for name, measure, own in theirs:
                ratio(name, measure, own)
        shutil.rmtree(project)
        return cold.cpu, cold.memory

    def building(self, views: int, threads: int) -> None:
        """Prints building views beside psql sending the same statements."""
        with stage_module_postgres() as postgres:
            self.environment |= {"BENCH_PORT": str(postgres.port), "DBT_ENV_SECRET_BENCH_PASSWORD": postgres.password, "PGPASSWORD": postgres.password}
            project = generate(self.scratch / "build", views)
            print(f"\nbuild of {views} views at {threads} threads")
            target = self.scratch / "built"
            def fresh() -> None:
                postgres.execute("drop schema if exists bench cascade")
                postgres.execute("create schema bench")
            def run() -> Measure:
                fresh()
                return self.ours(project, "run", "--threads", str(threads), target=target)
            runs = [run() for _ in range(3)]
            again = statistics.median(measure.wall for measure in runs)
            parse = statistics.median(self.ours(project, "parse", target=target).wall for _ in range(3))
            statements = sorted((target / "run").rglob("*.sql"))
            assert len(statements) == views
            print(f"  sallyport run {again:.3f} s, of which starting and parsing {parse:.3f} s")
            for connections, reconnects in ((f"{views} connections, one a view as dbt opens them", True), (f"{threads} connections", False)):
                times = []
                for _ in range(3):
                    fresh()
                    times.append(self.psql(postgres, statements, threads, reconnects))
                plain = statistics.median(times)
                print(f"  psql over {connections}: {plain:.3f} s   sallyport / psql = {again / plain:.2f}; without parsing {(again - parse) / plain:.2f}")
            fresh()
            if self.compares:
                theirs = self.theirs(project, "run", "--threads", str(threads), target=self.scratch / "built_by_dbt")
                print(f"  dbt-core run {theirs.wall:.3f} s   dbt / sallyport = {theirs.wall / again:.1f}x")

    def psql(self, postgres, statements: list[pathlib.Path], threads: int, reconnects: bool) -> float:
        """Seconds that psql takes for the statements with which dbt makes the views for the first time, starting included.

        `threads` of them run side by side; one that reconnects opens a connection for each view, as dbt does.
        """
        waiting = collections.deque(sorted((int(path.stem.rsplit("_", 1)[1]), path) for path in statements))
        made = {number: threading.Event() for number, _ in waiting}
        def one_connection() -> None:
            with subprocess.Popen(
                    [stage_module.POSTGRES / "psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "harbor", "harbor", "-f", "-"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment) as process:
                while waiting:
                    number, path = waiting.popleft()
                    name = path.stem
                    for read in (number // 2, number // 3) if number >= 10 else ():
                        assert made[read].wait(30), f"view {read} was not made"
                    body = path.read_text().split(" as (", 1)[1].rsplit(")", 1)[0]
                    if reconnects:
                        process.stdin.write("\\connect harbor\n")
                    process.stdin.write(
                        f'begin; create view bench."{name}__dbt_tmp" as ({body}); alter table bench."{name}__dbt_tmp" rename to "{name}"; commit; '
                        f'drop view if exists bench."{name}__dbt_backup" cascade;\n\\echo {name}\n')
                    process.stdin.flush()
                    assert process.stdout.readline().strip() == name, f"psql failed at {name}"
                    made[number].set()
                process.stdin.close()
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(one_connection) for _ in range(threads)]:
                done.result()
        return time.monotonic() - started


def stage_module_postgres():
    import contextlib

    @contextlib.contextmanager
    def started():
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
        folder.chmod(0o755)
        postgres = stage_module.Postgres(folder)
        try:
            yield postgres
        finally:
            postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)
    return started()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="100,1000,5000")
    parser.add_argument("--build", type=int, default=300)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--no-dbt", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-dbt-bench-"))
    try:
        bench = Bench(scratch, not options.no_dbt)
        sizes = [int(size) for size in options.models.split(",") if size]
        costs = {size: bench.parsing(size) for size in sizes}
        if len(sizes) > 1:
            small, large = sizes[-2], sizes[-1]
            print(f"\n{large} models cost {costs[large][0] / costs[small][0]:.1f}x the CPU of {small} ({large / small:.0f}x the models)")
        if not options.no_build:
            bench.building(options.build, options.threads)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
