"""How a run goes through its graph, seen from the official client."""

import json

import histories
import projects
import pytest


def run(stage, workflow: str, folder, /, **request) -> dict:
    """Runs `dbt_run` on the project in `folder` to its end; its history."""
    worker = stage.worker(name=f"worker-{workflow}", project=folder).start()
    try:
        stage.temporal.cli(
            "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input", json.dumps(request))
        stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=120)
        return stage.temporal.history(workflow)
    finally:
        assert worker.stop() == 0


def details(history: dict) -> dict:
    """The result that a failed run carries as its failure's details."""
    failed = histories.events(history, "WorkflowExecutionFailed")[0]["failure"]
    assert failed["applicationFailureInfo"]["nonRetryable"] is True
    return histories.decoded(failed["applicationFailureInfo"]["details"]["payloads"][0])


def test_a_node_waits_for_its_own_parents_only(stage, tmp_path):
    project = projects.project(tmp_path / "p", {
        "models/slow.sql": "{{ config(materialized='table') }} select pg_sleep(6)::text as slept",
        "models/one.sql": "select 1 as id",
        "models/two.sql": "select * from {{ ref('one') }}",
        "models/three.sql": "select * from {{ ref('two') }}",
    })
    history = run(stage, "own-parents", project, command="run")
    assert histories.close_kind(history) == "COMPLETED"
    names = {event["eventId"]: event["activityId"] for event in histories.events(history, "ActivityTaskScheduled")}
    done = [names[event["scheduledEventId"]] for event in histories.events(history, "ActivityTaskCompleted")]
    assert done[-4:] == ["model:one", "model:two", "model:three", "model:slow"]


def test_a_failed_node_skips_its_descendants_and_fails_the_run(stage, tmp_path):
    project = projects.project(tmp_path / "p", {
        "models/good.sql": "select 1 as id",
        "models/bad.sql": "select 1 / 0 as id from {{ ref('good') }}",
        "models/below.sql": "{{ config(materialized='table') }} select * from {{ ref('bad') }}",
        "models/further.sql": "select * from {{ ref('below') }}",
        "models/beside.sql": "select * from {{ ref('good') }}",
        "models/broken.sql": "{{ config(materialized='table') }} select no_such_column from {{ ref('good') }}",
    })
    history = run(stage, "skips", project, command="run")
    assert histories.close_kind(history) == "FAILED"
    result = details(history)
    assert result["success"] is False
    found = {node["unique_id"].rsplit(".", 1)[1]: node for node in result["node_results"]}
    # A view over a division by zero can be made; reading it into a table cannot.
    assert {name: node["status"] for name, node in found.items()} == {
        "good": "success", "bad": "success", "below": "error", "further": "skipped", "beside": "success", "broken": "error"}
    assert "division by zero" in found["below"]["message"]
    assert "no_such_column" in found["broken"]["message"]
    activities = histories.node_activities(history)
    assert "model:further" not in activities
    assert activities["model:broken"]["attempts"] == 1, "a permanent SQL error is not retried"


def test_a_failed_test_holds_back_what_lies_below_the_tested_model(stage, tmp_path):
    project = projects.project(tmp_path / "p", {
        "models/tested.sql": "select 1 as id union all select 1",
        "models/below.sql": "select * from {{ ref('tested') }}",
        "models/properties.yml": "models:\n  - name: tested\n    columns:\n      - name: id\n        data_tests: [unique]\n",
    })
    result = details(run(stage, "gates", project, command="build"))
    found = {node["unique_id"].split(".")[2]: node for node in result["node_results"]}
    assert {name: node["status"] for name, node in found.items()} == {
        "tested": "success", "unique_tested_id": "error", "below": "skipped"}
    assert found["unique_tested_id"]["failures"] == 1


@pytest.mark.parametrize("request_, words", [
    ({"command": "nonsense"}, ["nonsense"]),
    ({"command": "run", "select": "no_such_model"}, ["no_such_model"]),
    ({"command": "run", "project": "elsewhere"}, ["elsewhere", "small"]),
    ({"command": 7}, ["command"]),
    ({"command": "run", "vars": "a: 1"}, ["vars"]),
    ({"command": "run", "retry_from": "s3://bucket/old"}, ["retry_from"]),
    ({"command": "run", "event_time_start": "2026-01-01T00:00:00Z"}, ["event_time_start"]),
])
def test_a_request_that_cannot_be_served_fails_with_its_reason(stage, tmp_path, request_, words):
    project = projects.project(tmp_path / "p", {"models/one.sql": "select 1 as id"}, name="small")
    history = run(stage, f"refused-{abs(hash(json.dumps(request_)))}", project, **request_)
    assert histories.close_kind(history) == "FAILED"
    text = json.dumps(histories.events(history, "WorkflowExecutionFailed")[0]["failure"])
    assert all(word in text for word in words), text


def test_selection_vars_and_full_refresh_reach_the_nodes(stage, tmp_path):
    project = projects.project(tmp_path / "p", {
        "models/grown.sql": "{{ config(materialized='incremental') }} select {{ var('id') }} as id",
        "models/other.sql": "select 1 as id",
    })
    for workflow, request in (("v1", {"vars": {"id": 1}}), ("v2", {"vars": {"id": 2}})):
        history = run(stage, workflow, project, command="run", select="grown", **request)
        assert list(histories.node_activities(history)) == ["model:grown"]
    assert stage.postgres.execute("select id from harbor.grown order by 1") == [(1,), (2,)]
    run(stage, "v3", project, command="run", select="grown", vars={"id": 3}, full_refresh=True)
    assert stage.postgres.execute("select id from harbor.grown") == [(3,)]
