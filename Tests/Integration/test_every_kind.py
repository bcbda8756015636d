"""Unit tests, microbatch models and functions: by the scheduler, by `sallyport dbt build` and by dbt, with the same outcome."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import atlas
import histories
import oracle
import projects
import pytest
import stage as stage_module
import warehouse

WINDOW = ("2026-01-01", "2026-01-05")

FILES = {
    "seeds/raw.csv": "id,day,amount\n1,2026-01-01,1\n2,2026-01-02,2\n3,2026-01-03,3\n4,2026-01-04,4\n5,2026-01-04,5\n",
    "functions/twice.sql": "select x * 2",
    "functions/labelled.sql": "select prefix || ' ' || code",
    "functions/broken.sql": "select no_such_argument + 1",
    "functions/properties.yml": """
functions:
  - name: twice
    arguments: [{name: x, data_type: float8}]
    returns: {data_type: float8}
  - name: labelled
    arguments: [{name: code, data_type: text}, {name: prefix, data_type: text, default_value: "'no'"}]
    returns: {data_type: text}
  - name: broken
    arguments: [{name: x, data_type: int}]
    returns: {data_type: int}
""",
    "models/events.sql":
        "{{ config(materialized='table', event_time='happened_at') }}\n"
        "select id, day::timestamp as happened_at, amount from {{ ref('raw') }}",
    "models/by_day.sql":
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', batch_size='day', "
        "unique_key='id', begin='2026-01-01') }}\n"
        "select id, happened_at, {{ function('twice') }}(amount::float8) as doubled, 12 / (amount - {{ var('hole', 0) }}) as part\n"
        "from {{ ref('events') }}",
    "models/after_by_day.sql": "{{ config(materialized='table') }} select count(*) as days from {{ ref('by_day') }}",
    "models/priced.sql":
        "{{ config(materialized='table') }}\n"
        "select id, {{ function('twice') }}(amount::float8) as price, {{ function('labelled') }}(id::text) as label from {{ ref('events') }}",
    "models/wrong.sql": "{{ config(materialized='table') }} select id + 1 as id from {{ ref('events') }}",
    "models/below_wrong.sql": "select * from {{ ref('wrong') }}",
    "models/uses_broken.sql": "select {{ function('broken') }}(1) as x",
    "models/properties.yml": """
models:
  - name: by_day
    columns: [{name: id, data_tests: [not_null]}]
  - name: priced
    columns: [{name: id, data_tests: [unique]}]
unit_tests:
  - name: counts_up
    model: wrong
    given: [{input: ref('events'), rows: [{id: 1}, {id: 5}]}]
    expect: {rows: [{id: 1}, {id: 6}]}
  - name: doubles
    model: priced
    given: [{input: ref('events'), rows: [{id: 7, amount: 3}]}]
    expect: {rows: [{id: 7, price: 6, label: "no 7"}]}
""",
}

PROFILE = """
harbor:
  target: prod
  outputs:
    prod: {type: postgres, host: 127.0.0.1, port: "{{ env_var('KINDS_PORT') | as_number }}", user: harbor, threads: 4,
      password: "{{ env_var('DBT_ENV_SECRET_KINDS_PASSWORD') }}", dbname: "{{ env_var('KINDS_DATABASE') }}", schema: harbor}
"""

# The first run's third day divides by zero; the second run mends that.
RUNS = ({"hole": 3}, {"hole": 0})


def plain(text: str | None, database: str) -> str | None:
    """The text with relations that name no database of their own, and without the place of compiled code: a worker writes none."""
    return text and re.sub(r"\n  compiled code at .*", "", text.replace(f'"{database}"."harbor"', '"DATABASE"."harbor"'))


def entries(results: list[dict], database: str) -> dict[str, dict]:
    """What each node came to, without times and threads."""
    fields = ("status", "message", "failures", "adapter_response", "batch_results", "overload_results", "relation_name")
    found = {entry["unique_id"]: {field: entry.get(field) for field in fields} for entry in results}
    for entry in found.values():
        entry |= {field: plain(entry[field], database) for field in ("message", "relation_name")}
    return found


def shape(postgres, database: str) -> dict:
    functions = postgres.execute(
        "select proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), prosrc, provolatile::text from pg_proc p "
        "join pg_namespace n on n.oid = pronamespace where nspname = 'harbor' order by 1", database=database)
    return warehouse.contents(postgres, database) | {"functions": functions}


class Outcome:
    """One run: its results by node, and what stands in the database afterwards."""

    def __init__(self, results: list[dict], postgres, database: str, history: dict | None = None):
        self.results = entries(results, database)
        self.shape = shape(postgres, database)
        self.history = history


def by_the_scheduler(stage, folder: pathlib.Path) -> list[Outcome]:
    worker = stage.worker(name="kinds", project=folder, WRITE_ARTIFACTS="true", ARTIFACT_STORE="/tmp/artifacts").start()
    outcomes = []
    for number, variables in enumerate(RUNS):
        request = {
            "command": "build", "vars": variables, "event_time_start": f"{WINDOW[0]}T00:00:00Z", "event_time_end": f"{WINDOW[1]}T00:00:00Z"}
        workflow = f"kinds-{number}"
        stage.temporal.cli(
            "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input", json.dumps(request))
        stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=180)
        history = stage.temporal.history(workflow)
        failure = histories.events(history, "WorkflowExecutionFailed")[0]["failure"]
        result = histories.decoded(failure["applicationFailureInfo"]["details"]["payloads"][0])
        assert result["success"] is False
        stored = pathlib.Path(f"/proc/{worker.pid}/root{result['artifacts']['run_results_path']}")
        outcome = Outcome(json.loads(stored.read_text())["results"], stage.postgres, "harbor", history)
        outcome.told = {entry["unique_id"]: entry for entry in result["node_results"]}
        outcomes.append(outcome)
    assert worker.stop() == 0
    return outcomes


def by_hand(stage, folder: pathlib.Path, database: str) -> list[Outcome]:
    stage.postgres.execute(f"create database {database}", database="postgres")
    variables = atlas.environment(
        KINDS_PORT=str(stage.postgres.port), KINDS_DATABASE=database, DBT_ENV_SECRET_KINDS_PASSWORD=stage.postgres.password)
    outcomes = []
    for number, values in enumerate(RUNS):
        target = folder.parent / f"{database}-{number}"
        words = [
            "--no-use-colors", "build", "--vars", json.dumps(values), "--event-time-start", WINDOW[0], "--event-time-end", WINDOW[1],
            "--project-dir", str(folder), "--profiles-dir", str(folder), "--target-path", str(target), "--log-path", str(target)]
        if database == "kinds_by_dbt":
            code, output = oracle.shared().run(folder, words, variables)
        else:
            done = subprocess.run([stage_module.BINARY, "dbt", *words], cwd=folder, env=variables, capture_output=True, text=True)
            code, output = done.returncode, done.stdout + done.stderr
        assert code == 1, output
        outcomes.append(Outcome(json.loads((target / "run_results.json").read_text())["results"], stage.postgres, database))
    return outcomes


@pytest.fixture(scope="module")
def outcomes(stage):
    root = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-kinds-"))
    root.chmod(0o755)
    folder = projects.project(root / "project", FILES | {"profiles.yml": PROFILE})
    yield {
        "dbt": by_hand(stage, folder, "kinds_by_dbt"), "own": by_hand(stage, folder, "kinds_by_us"),
        "scheduler": by_the_scheduler(stage, folder)}
    shutil.rmtree(root, ignore_errors=True)


def test_dbt_has_every_outcome_to_compare_with(outcomes):
    first, second = ({name.split(".")[2]: entry["status"] for name, entry in run.results.items()} for run in outcomes["dbt"])
    assert first["by_day"] == "partial success" and first["after_by_day"] == "skipped"
    assert second["by_day"] == second["after_by_day"] == "success"
    assert first["broken"] == "error" and first["uses_broken"] == "skipped"
    assert (first["twice"], first["priced"]) == ("success", "success")
    assert first["wrong"] == first["below_wrong"] == "skipped"
    tests = {name: entry["status"] for name, entry in outcomes["dbt"][0].results.items() if name.startswith("unit_test.")}
    assert sorted(tests.values()) == ["fail", "pass"]
    batches = next(entry for name, entry in outcomes["dbt"][0].results.items() if name == "model.harbor.by_day")["batch_results"]
    assert len(batches["successful"]) == 3 and len(batches["failed"]) == 1


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("whose", ["own", "scheduler"])
def test_results_and_database_are_dbts(outcomes, whose, number):
    ours, theirs = outcomes[whose][number], outcomes["dbt"][number]
    assert set(ours.results) == set(theirs.results)
    for name, entry in theirs.results.items():
        assert ours.results[name] == entry, name
    assert ours.shape == theirs.shape


@pytest.mark.parametrize("number", [0, 1])
def test_the_workflow_tells_what_the_artifact_tells(outcomes, number):
    run = outcomes["scheduler"][number]
    contract = {"success": "success", "pass": "success", "skipped": "skipped"}
    for name, entry in run.results.items():
        told = run.told[name]
        assert told["status"] == contract.get(entry["status"], "error"), name
        if told["status"] != "skipped":
            assert told["dbt_status"] == entry["status"] and plain(told["message"], "harbor") == entry["message"], name
            assert told["batch_results"] == entry["batch_results"], name


def test_each_is_one_activity_of_one_attempt(outcomes):
    """Faults of the data are not repeated, and a model of many batches is one activity."""
    nodes = histories.node_activities(outcomes["scheduler"][0].history)
    assert {"model:by_day", "unit_test:doubles", "unit_test:counts_up", "function:twice", "function:broken"} <= set(nodes)
    assert {name: node["attempts"] for name, node in nodes.items() if node["attempts"] != 1} == {}
    assert {"model:wrong", "model:after_by_day", "model:uses_broken"}.isdisjoint(nodes)


def test_a_batch_that_fails_for_a_moment_is_built_by_the_next_attempt(stage, tmp_path):
    """The database says that the statement may be repeated: the scheduler runs the model again, and its batches replace themselves."""
    stage.postgres.execute("create schema if not exists flaky")
    stage.postgres.execute("create sequence flaky.calls")
    stage.postgres.execute(
        "create function flaky.once(day date) returns int language plpgsql as $$ begin "
        "if day = '2026-01-02' and nextval('flaky.calls') = 1 then raise exception 'not now' using errcode = '40001'; end if; "
        "return 1; end $$")
    folder = projects.project(tmp_path / "p", {
        "models/days.sql":
            "{{ config(materialized='table', event_time='day') }}\n"
            "select day::timestamp as day from generate_series('2026-01-01'::date, '2026-01-04', interval '1 day') day",
        "models/flaky.sql": FILES["models/by_day.sql"].split("\n")[0].replace("happened_at", "day").replace("'id'", "'day'") +
            " select day, flaky.once(day::date) as n from {{ ref('days') }}",
    })
    worker = stage.worker(name="flaky", project=folder).start()
    request = {"command": "run", "event_time_start": f"{WINDOW[0]}T00:00:00Z", "event_time_end": f"{WINDOW[1]}T00:00:00Z"}
    stage.temporal.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", "flaky", "--input", json.dumps(request))
    told = json.loads(stage.temporal.cli("workflow", "result", "--workflow-id", "flaky", "--output", "json", seconds=120).stdout)["result"]
    assert worker.stop() == 0
    assert {name: node["attempts"] for name, node in histories.node_activities(stage.temporal.history("flaky")).items()} == {
        "model:days": 1, "model:flaky": 2}
    batches = next(node["batch_results"] for node in told["node_results"] if node["unique_id"] == "model.harbor.flaky")
    # The command line shows an empty list as null.
    assert len(batches["successful"]) == 4 and not batches["failed"]
    assert stage.postgres.execute("select count(*), count(distinct day) from harbor.flaky") == [(4, 4)]


SOURCES = {
    "models/sources.yml": """
sources:
  - name: raw
    schema: kinds_raw
    freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}
    loaded_at_field: loaded_at
    tables: [{name: fresh}, {name: late}, {name: stale}, {name: missing}, {name: unmeasured, freshness: null}]
""",
    "models/one.sql": "select 1 as id",
}


def measured(sources: dict) -> dict:
    return {entry["unique_id"]: (entry["status"], entry.get("criteria"), set(entry)) for entry in sources["results"]}


def test_freshness_of_sources_is_dbts(stage, tmp_path):
    stage.postgres.execute("create schema kinds_raw")
    for name, age in (("fresh", "0"), ("late", "3 hours"), ("stale", "3 days")):
        stage.postgres.execute(f"create table kinds_raw.{name} as select now() - interval '{age}' as loaded_at")
    folder = projects.project(tmp_path / "p", SOURCES | {"profiles.yml": PROFILE})
    variables = atlas.environment(
        KINDS_PORT=str(stage.postgres.port), KINDS_DATABASE="harbor", DBT_ENV_SECRET_KINDS_PASSWORD=stage.postgres.password)
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--target-path", str(tmp_path / "dbt")]
    code, output = oracle.shared().run(folder, ["--no-use-colors", "source", "freshness", *places], variables)
    assert code == 1, output
    theirs = json.loads((tmp_path / "dbt" / "sources.json").read_text())

    worker = stage.worker(name="freshness", project=folder, WRITE_ARTIFACTS="true", ARTIFACT_STORE="/tmp/artifacts").start()
    for workflow, request in (("sources", {"command": "source-freshness"}), ("fresh", {"command": "source freshness", "select": "source:raw.fresh"})):
        stage.temporal.cli(
            "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input", json.dumps(request))
        stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=60)
    history = stage.temporal.history("sources")
    failure = histories.events(history, "WorkflowExecutionFailed")[0]["failure"]
    result = histories.decoded(failure["applicationFailureInfo"]["details"]["payloads"][0])
    ours = json.loads(pathlib.Path(f"/proc/{worker.pid}/root{result['artifacts']['sources_path']}").read_text())
    assert histories.close_kind(stage.temporal.history("fresh")) == "COMPLETED"
    assert worker.stop() == 0

    assert measured(ours) == measured(theirs)
    statuses = {name.split(".")[-1]: entry[0] for name, entry in measured(theirs).items()}
    assert (statuses["fresh"], statuses["late"], statuses["stale"]) == ("pass", "warn", "error")
    told = {entry["unique_id"].split(".")[-1]: entry for entry in result["node_results"]}
    assert {name: entry["status"] for name, entry in told.items()} == {
        "fresh": "success", "late": "success", "stale": "error", "missing": "error"}
    assert told["late"]["freshness"]["status"] == "warn" and "freshness WARN (age 108" in told["late"]["message"]
    nodes = histories.node_activities(history)
    assert {name: node["attempts"] for name, node in nodes.items()} == dict.fromkeys(
        ("source:fresh", "source:late", "source:stale", "source:missing"), 1)
    failed = [event["failure"] for event in histories.events(history, "ActivityTaskFailed")]
    assert any(failure["applicationFailureInfo"]["type"] == "StaleSource" for failure in failed)


@pytest.mark.parametrize("command, words", [
    ("clone", ["'clone'", "sallyport dbt clone"]), ("docs generate", ["'docs generate'", "sallyport dbt docs generate"]),
    ("retry", ["'retry'", "select"]), ("show", ["'show'", "sallyport dbt show"])])
def test_other_commands_of_dbt_are_refused_with_what_to_do(stage, command, words):
    worker = stage.worker(name="refuses").start()
    workflow = f"refused-{command.replace(' ', '-')}"
    stage.temporal.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input", json.dumps({"command": command}))
    stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=60)
    assert worker.stop() == 0
    history = stage.temporal.history(workflow)
    message = histories.events(history, "WorkflowExecutionFailed")[0]["failure"]["message"]
    assert all(word in message for word in words), message
    submitted = stage.sallyport("submit", command)
    assert submitted.returncode != 0 and all(word in submitted.stderr for word in words), submitted.stderr
