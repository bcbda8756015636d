"""The official command line starts a run; what it shows reads well; the warehouse equals what dbt builds."""

import json
import os
import subprocess

import histories
import pytest
import stage as stage_module
import warehouse

DBT = stage_module.VENV / "dbt"


@pytest.fixture(scope="module")
def built(stage):
    """The example project, built through the scheduler by a run that the official command line started."""
    worker = stage.worker().start()
    stage.temporal.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", "by-cli", "--input", '{"command":"build"}')
    result = stage.temporal.cli("workflow", "result", "--workflow-id", "by-cli", "--output", "json", seconds=120)
    yield json.loads(result.stdout)["result"]
    assert worker.stop() == 0


def test_result_lists_every_node_once(built):
    assert built["success"] is True
    ids = [node["unique_id"] for node in built["node_results"]]
    assert len(ids) == len(set(ids)) >= 34
    assert {node["status"] for node in built["node_results"]} == {"success"}


def test_history_shows_each_node_as_an_activity_with_its_summary(stage, built):
    nodes = histories.node_activities(stage.temporal.history("by-cli"))
    assert len(nodes) == len(built["node_results"])
    assert nodes["model:port_calls"]["summary"] == "model:port_calls"
    assert all(node["attempts"] == 1 and node["outcomes"] == ["Completed"] for node in nodes.values())
    assert all(summary["summary"] == name for name, summary in nodes.items())


def test_query_and_memo_read_well(stage, built):
    answer = stage.temporal.cli("workflow", "query", "--workflow-id", "by-cli", "--type", "run_status", "--output", "json").stdout
    status = json.loads(answer)["queryResult"][0]
    assert status["total_nodes"] == status["succeeded"] == len(built["node_results"])
    assert (status["failed"], status["skipped"], status["running"]) == (0, 0, 0)
    described = json.loads(stage.temporal.cli("workflow", "describe", "--workflow-id", "by-cli", "--output", "json").stdout)
    memo = described["workflowExecutionInfo"]["memo"]["fields"]
    assert histories.decoded(memo["command"])["command"] == "build"
    states = histories.decoded(memo["node_status"])["nodes"]
    assert set(states.values()) == {"success"} and len(states) == len(built["node_results"])


def run_dbt(stage, database: str, *words: str, target) -> dict:
    environment = os.environ | {
        "HARBOR_PORT": str(stage.postgres.port), "HARBOR_DATABASE": database,
        "DBT_ENV_SECRET_HARBOR_PASSWORD": stage.postgres.password, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(
        [DBT, *words, "--project-dir", stage_module.HARBOR, "--profiles-dir", stage_module.HARBOR, "--target-path", target,
         "--log-path", target], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return json.loads((target / "run_results.json").read_text())


def run_sallyport(stage, database: str, *words: str, target) -> dict:
    done = stage.sallyport(
        "dbt", *words, "--project-dir", str(stage_module.HARBOR), "--profiles-dir", str(stage_module.HARBOR), "--target-path", str(target),
        HARBOR_PORT=str(stage.postgres.port), HARBOR_DATABASE=database, DBT_ENV_SECRET_HARBOR_PASSWORD=stage.postgres.password)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stage.postgres.password not in done.stdout + done.stderr
    return json.loads((target / "run_results.json").read_text())


def statuses(results: dict) -> dict[str, str]:
    return {result["unique_id"]: result["status"] for result in results["results"]}


@pytest.fixture(scope="module")
def by_dbt(stage, tmp_path_factory):
    """The same project built twice by dbt: full, then incremental."""
    stage.postgres.execute("create database by_dbt", database="postgres")
    first = run_dbt(stage, "by_dbt", "build", target=tmp_path_factory.mktemp("dbt"))
    shape = warehouse.contents(stage.postgres, "by_dbt")
    second = run_dbt(stage, "by_dbt", "build", target=tmp_path_factory.mktemp("dbt2"))
    return statuses(first), shape, statuses(second), warehouse.contents(stage.postgres, "by_dbt")


def test_the_scheduler_builds_what_dbt_builds(stage, built, by_dbt):
    assert warehouse.contents(stage.postgres, "harbor") == by_dbt[1]
    theirs = {node for node in by_dbt[0] if not node.startswith(("operation.", "exposure."))}
    assert {node["unique_id"] for node in built["node_results"]} == theirs


def test_the_command_line_builds_what_dbt_builds(stage, by_dbt, tmp_path):
    stage.postgres.execute("create database by_hand", database="postgres")
    first = run_sallyport(stage, "by_hand", "build", target=tmp_path / "one")
    assert warehouse.contents(stage.postgres, "by_hand") == by_dbt[1]
    assert statuses(first) == by_dbt[0]
    second = run_sallyport(stage, "by_hand", "build", target=tmp_path / "two")
    assert warehouse.contents(stage.postgres, "by_hand") == by_dbt[3]
    assert statuses(second) == by_dbt[2]
    check = (
        "import json, sys; from dbt.artifacts.schemas.manifest import WritableManifest; "
        "from dbt.artifacts.schemas.run import RunResultsArtifact; "
        "WritableManifest.read_and_check_versions(sys.argv[1] + '/manifest.json'); "
        "RunResultsArtifact.read_and_check_versions(sys.argv[1] + '/run_results.json')")
    subprocess.run([stage_module.VENV / "python", "-c", check, tmp_path / "two"], check=True)
