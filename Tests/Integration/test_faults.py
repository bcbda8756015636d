"""Parts that break while a run of 48 nodes is under way: every node ends done once, or retried as its policy says."""

import json
import signal
import time

import histories
import projects
import proof
import pytest
import stage as stage_module

NODES = 48


@pytest.fixture
def project(tmp_path):
    return projects.fleet(tmp_path / "fleet")


def start(stage, workflow: str = "fleet", command: str = "run"):
    stage.temporal.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input",
        json.dumps({"command": command}))


def wait_until_under_way(stage, nodes: int = 6):
    stage_module.wait_for("the first tables", lambda: projects.fleet_counts(stage.postgres)[0] >= nodes, seconds=60)
    assert projects.fleet_counts(stage.postgres)[0] < NODES, "the run was over before the fault"


def finish(stage, workflow: str = "fleet") -> dict[str, dict]:
    """Waits for the run's success; the node activities."""
    stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=180)
    history = stage.temporal.history(workflow)
    assert histories.close_kind(history) == "COMPLETED", history["events"][-1]
    nodes = histories.node_activities(history)
    assert len(nodes) == NODES
    assert all(node["outcomes"] == ["Completed"] for node in nodes.values())
    assert projects.fleet_counts(stage.postgres) == (NODES, 0)
    return nodes


def attempts(nodes) -> int:
    return sum(node["attempts"] for node in nodes.values())


def freeze_with_a_node(stage, worker):
    """Stops the worker's process at a moment when one of its statements runs: that node cannot be reported any more."""

    def is_frozen():
        worker.send(signal.SIGSTOP)
        busy = stage.postgres.execute(
            "select client_port from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()")
        if {port for (port,) in busy} & proof.local_ports(worker.pid):
            return True
        worker.send(signal.SIGCONT)
        return False

    stage_module.wait_for("a statement of the worker that is to be killed", is_frozen)


def test_the_gateway_is_killed_and_restarted(fresh_stage, project):
    worker = fresh_stage.worker(project=project).start()
    start(fresh_stage)
    wait_until_under_way(fresh_stage)
    fresh_stage.gateway.stop(signal.SIGKILL)
    time.sleep(2)
    fresh_stage.gateway.start()
    nodes = finish(fresh_stage)
    # A task whose delivery died with the gateway is dispatched again; nothing else may be.
    assert attempts(nodes) <= NODES + 12
    assert worker.stop() == 0


def test_the_server_is_restarted(fresh_stage, project):
    worker = fresh_stage.worker(project=project).start()
    start(fresh_stage)
    wait_until_under_way(fresh_stage)
    fresh_stage.temporal.restart()
    finish(fresh_stage)
    assert worker.stop() == 0


def test_a_worker_is_killed_while_a_second_one_runs(fresh_stage, project):
    (project.parent / "quick").mkdir()
    first = fresh_stage.worker(name="first", project=project).start()
    second = fresh_stage.worker(name="second", project=project).start()
    start(fresh_stage)
    wait_until_under_way(fresh_stage)
    freeze_with_a_node(fresh_stage, first)
    first.stop(signal.SIGKILL)
    nodes = finish(fresh_stage)
    assert attempts(nodes) > NODES, "the killed worker held no node: the test proved nothing"
    assert second.stop() == 0


def test_a_worker_is_told_to_stop_and_another_takes_over(fresh_stage, project):
    first = fresh_stage.worker(name="first", project=project).start()
    start(fresh_stage)
    wait_until_under_way(fresh_stage)
    assert first.stop(signal.SIGTERM) == 0
    assert projects.fleet_counts(fresh_stage.postgres)[1] == 0, "it left a half-made table"
    second = fresh_stage.worker(name="second", project=project).start()
    finish(fresh_stage)
    assert second.stop() == 0


def test_a_second_signal_ends_the_worker_at_once(fresh_stage, tmp_path):
    project = projects.project(tmp_path / "slow", {"models/slow.sql": "{{ config(materialized='table') }} select pg_sleep(60)::text as slept"})
    worker = fresh_stage.worker(project=project, WORKER_GRACEFUL_SHUTDOWN_SECS="60").start()
    start(fresh_stage, "slow")
    stage_module.wait_for("the statement", lambda: running(fresh_stage, "pg_sleep"))
    worker.send(signal.SIGTERM)
    time.sleep(1)
    assert worker.process.poll() is None, "it did not wait for what runs"
    worker.send(signal.SIGTERM)
    begun = time.monotonic()
    assert worker.wait(10) != 0
    assert time.monotonic() - begun < 3


def test_postgresql_is_restarted(fresh_stage, project):
    worker = fresh_stage.worker(project=project).start()
    start(fresh_stage)
    wait_until_under_way(fresh_stage)
    fresh_stage.postgres.restart()
    nodes = finish(fresh_stage)
    assert attempts(nodes) > NODES, "no statement was cut off: the test proved nothing"
    assert worker.stop() == 0


def running(stage, text: str) -> list[tuple]:
    """Statements under way in the warehouse that contain the text, this one aside."""
    return stage.postgres.execute(
        f"select pid, query from pg_stat_activity where state = 'active' and query like '%{text}%' and pid <> pg_backend_pid()")


def test_cancelling_the_workflow_cancels_the_statement(fresh_stage, tmp_path):
    project = projects.project(tmp_path / "slow", {
        "models/slow.sql": "{{ config(materialized='table') }} select pg_sleep(120)::text as slept",
        "models/below.sql": "select * from {{ ref('slow') }}",
    })
    worker = fresh_stage.worker(project=project).start()
    start(fresh_stage, "cancelled")
    stage_module.wait_for("the statement", lambda: running(fresh_stage, "pg_sleep"))
    fresh_stage.temporal.cli("workflow", "cancel", "--workflow-id", "cancelled")
    stage_module.wait_for("the statement's end", lambda: not running(fresh_stage, "pg_sleep"), seconds=30)
    fresh_stage.temporal.cli("workflow", "result", "--workflow-id", "cancelled", check=False, seconds=30)
    history = fresh_stage.temporal.history("cancelled")
    assert histories.close_kind(history) == "CANCELED"
    assert histories.outcome_counts(history) == {"Canceled": 1}
    assert worker.stop() == 0
