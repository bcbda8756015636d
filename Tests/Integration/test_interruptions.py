"""A run that fails fast, and one that is interrupted, beside dbt: what is cancelled, said, written, and left in the database."""

import collections
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import atlas
import projects
import pytest
import stage as stage_module


def slow(number: int, parents: str = "") -> str:
    return f"{{{{ config(materialized='table') }}}} {parents}\nselect {number} as id, pg_sleep(60)::text as slept"


FILES = {
    "dbt_project.yml": """
name: harbor
version: '1.0'
profile: harbor
flags: {send_anonymous_usage_stats: false}
on-run-start: create table if not exists harbor.log (words text)
on-run-end:
  - insert into harbor.log values ('end')
  - insert into harbor.log values ('{% for result in results %}{{ result.node.name }}={{ result.status }} {% endfor %}')
""",
    "profiles.yml": """
harbor:
  target: prod
  outputs:
    prod: {type: postgres, host: 127.0.0.1, port: "{{ env_var('HALT_PORT') | as_number }}", user: harbor, threads: 4,
      password: "{{ env_var('DBT_ENV_SECRET_HALT_PASSWORD') }}", dbname: "{{ env_var('HALT_DATABASE') }}", schema: harbor}
""",
    # Fails once the others are under way.
    "models/bad.sql": "{{ config(materialized='table') }} select 1 / length(pg_sleep(4)::text) as x",
    "models/below_bad.sql": "{{ config(materialized='table') }} select * from {{ ref('bad') }}",
    "models/quick.sql": "{{ config(materialized='table') }} select 1 as id",
    "models/slow_a.sql": slow(1),
    "models/slow_b.sql": slow(2),
    "models/slow_c.sql": slow(3, "-- depends_on: {{ ref('quick') }}"),
    "models/waiting.sql": "{{ config(materialized='table') }} select * from {{ ref('slow_a') }}",
}

STORIES = {
    "fails fast": (["build", "--fail-fast"], None),
    "interrupted": (["build", "--exclude", "bad+"], signal.SIGINT),
    "told to end": (["build", "--exclude", "bad+"], signal.SIGTERM),
}


class Halt:
    """A run that did not come to its end, and what it left."""

    def __init__(self, postgres, folder: pathlib.Path, program: list, database: str, story: str):
        words, number = STORIES[story]
        self.postgres, self.database = postgres, database
        postgres.execute(f"create database {database}", database="postgres")
        postgres.execute("create schema harbor", database=database)
        project = projects.write(folder / database, FILES)
        variables = atlas.environment(
            HALT_PORT=str(postgres.port), HALT_DATABASE=database, DBT_ENV_SECRET_HALT_PASSWORD=postgres.password)
        process = subprocess.Popen(
            [*program, "--no-use-colors", *words], cwd=project, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            # What a shell starts in the background ignores SIGINT, and so would Python here.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        if number is not None:
            stage_module.wait_for("the slow statements", self.is_under_way, seconds=120, alive=process)
            begun = time.monotonic()
            process.send_signal(number)
            stage_module.wait_for("the statements' end", lambda: not self.statements(), seconds=20)
            self.seconds = time.monotonic() - begun
        self.output, _ = process.communicate(timeout=120)
        self.code = process.returncode
        path = project / "target" / "run_results.json"
        self.results = {
            entry["unique_id"]: (entry["status"], entry["message"], entry["thread_id"] == "MainThread", entry["compiled"], len(entry["timing"]))
            for entry in json.loads(path.read_text())["results"]} if path.exists() else None
        self.tables = postgres.execute("select tablename from pg_tables where schemaname = 'harbor' order by 1", database=database)
        self.log = [sorted(words.split()) for (words,) in postgres.execute("select words from harbor.log", database=database)]

    def statements(self) -> list:
        return self.postgres.execute(
            f"select pid from pg_stat_activity where datname = '{self.database}' and state = 'active' and query like '%pg_sleep%'")

    def is_under_way(self) -> bool:
        return len(self.statements()) == 3

    def lines(self) -> collections.Counter:
        """What was printed, in any order, without times, and without what dbt says of itself."""
        told, _, _ = self.output.partition("Traceback")
        found: collections.Counter = collections.Counter()
        for line in told.splitlines():
            line = re.sub(r"^\d\d:\d\d:\d\d  ", "", line)
            line = re.sub(r"in \d+ hours .*", "in TIME", re.sub(r"in \d+\.\d+s\]", "in Ns]", line))
            if line and not line.startswith(("CANCEL ", "Unable to do partial parsing")):
                found[line] += 1
        return found

    def cancelled(self) -> set[str]:
        return set(re.findall(r"CANCEL query (\S+) \.+ \[CANCEL\]", self.output))


@pytest.fixture(scope="module")
def halts():
    """Each story by dbt and by us."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-halt-"))
    folder.chmod(0o755)
    postgres = stage_module.Postgres(folder)
    programs = {"dbt": [stage_module.VENV / "dbt"], "own": [stage_module.BINARY, "dbt"]}
    try:
        yield {
            (whose, story): Halt(postgres, folder, program, f"{whose}_{story.replace(' ', '_')}", story)
            for whose, program in programs.items() for story in STORIES
            # dbt leaves SIGTERM to the system, and its statements to the database: nothing to compare with.
            if (whose, story) != ("dbt", "told to end")}
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("story, reference", [("fails fast", "fails fast"), ("interrupted", "interrupted"), ("told to end", "interrupted")])
def test_halts_as_dbt_does(halts, story, reference):
    ours, theirs = halts["own", story], halts["dbt", reference]
    assert ours.code == theirs.code
    assert ours.results == theirs.results
    assert (ours.tables, ours.log) == (theirs.tables, theirs.log)
    assert ours.lines() == theirs.lines()


def test_the_stories_are_what_they_mean_to_be(halts):
    fast, stopped = halts["dbt", "fails fast"], halts["dbt", "interrupted"]
    assert (fast.code, stopped.code) == (1, 2)
    assert sorted(entry[0] for entry in fast.results.values()) == ["error"] + ["skipped"] * 5 + ["success"] * 4
    assert fast.tables == [("log",), ("quick",)] and ["end"] in fast.log
    # Interrupted: only what had ended is a result, and the hooks at the end do not run.
    assert [entry[0] for entry in stopped.results.values()] == ["success", "success"]
    assert stopped.log == [] and "Exited because of keyboard interrupt" in stopped.output


@pytest.mark.parametrize("story", ["interrupted", "told to end"])
def test_statements_end_within_a_second(halts, story):
    assert halts["own", story].seconds < 1


@pytest.mark.parametrize("story", ["fails fast", "interrupted"])
def test_says_what_it_cancels(halts, story):
    """dbt also names connections that had nothing to cancel."""
    ours = halts["own", story].cancelled()
    assert ours == {f"model.harbor.slow_{letter}" for letter in "abc"}
    assert ours <= halts["dbt", story].cancelled()


def test_a_worker_that_is_stopped_as_soon_as_it_is_ready_ends_well():
    """Work that has just begun goes on while the process ends. On a busy machine it once found OpenSSL already cleaned up."""
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        with stage_module.Stage() as parts:
            codes = [parts.worker(f"worker_{number}").start().stop() for number in range(40)]
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert codes == [0] * 40
