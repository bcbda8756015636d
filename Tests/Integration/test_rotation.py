"""Client certificates rotated a hundred times under load, and workers that leave: no task is lost, none is started twice."""

import json
import signal
import time

import histories
import metrics
import projects
import pytest
import rotation
import stage as stage_module

ROTATIONS = 100
LANES, STEPS, SECONDS = 8, 27, 2.5
WORKERS = 2  # each holds ten polls open


def events(worker: stage_module.Worker, name: str) -> list[dict]:
    """The worker's log lines of one event."""
    lines = []
    for line in worker.log.read_text(errors="replace").splitlines():
        if name in line and line.startswith("{"):
            lines.append(json.loads(line))
    return lines


def rotated_worker(stage, name, project, mount, **environment):
    worker = stage.worker(
        name=name, project=project, TEMPORAL_TLS_CA="/identity/ca.crt", TEMPORAL_TLS_CERT="/identity/tls.crt",
        TEMPORAL_TLS_KEY="/identity/tls.key", **environment)
    at = worker.command.index("--remount-ro")
    (stage.root.path / "identity").mkdir(exist_ok=True)
    worker.command[at:at] = ["--ro-bind", mount.path, "/identity"]
    return worker


def start(stage, workflow: str, **request: str):
    stage.temporal.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input",
        json.dumps({"command": "run"} | request))


def check(stage, workflow: str, nodes: int) -> dict:
    """The run succeeded, and every task of it was delivered once, at the first attempt."""
    stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=240)
    history = stage.temporal.history(workflow)
    assert histories.close_kind(history) == "COMPLETED", history["events"][-1]
    activities = histories.node_activities(history)
    assert len(activities) == nodes
    assert all(node["outcomes"] == ["Completed"] for node in activities.values())
    repeated = [name for name, node in activities.items() if node["attempts"] != 1]
    assert not repeated, repeated
    lost = rotation.kinds(history) & {"WORKFLOW_TASK_TIMED_OUT", "WORKFLOW_TASK_FAILED", "ACTIVITY_TASK_TIMED_OUT", "ACTIVITY_TASK_FAILED"}
    assert not lost, lost
    return history


@pytest.mark.parametrize("gateway", ["haproxy", "nginx"])
def test_a_hundred_rotations_under_load_lose_no_task(gateway, tmp_path):
    # Empty polls end after 0.3 s instead of a minute, so that a hundred drained connections fit into the test's time;
    # haproxy runs with its defaults, under which a poll whose stream is not reset swallows the next task.
    settings = ('matching.longPollExpirationInterval="300ms"',)
    with stage_module.Stage(gateway, abort_on_close=False, settings=settings) as stage:
        project = projects.fleet(tmp_path / "fleet", LANES, STEPS, SECONDS)
        identities = rotation.pairs(stage.certificates, stage.folder / "pairs", ROTATIONS + 1)
        mount = rotation.Mount(stage.folder / "identity", identities[0])
        workers = [rotated_worker(stage, f"worker-{number}", project, mount) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        start(stage, "load")
        stage_module.wait_for("the first tables", lambda: projects.fleet_counts(stage.postgres)[0] >= LANES, seconds=60)

        begun = time.monotonic()
        for number in range(1, ROTATIONS + 1):
            mount.swap(identities[number])
            stage_module.wait_for(
                f"rotation {number}", lambda: all(len(events(worker, "new TLS files in use")) >= number for worker in workers),
                seconds=30, log=workers[0].log)
            if number == ROTATIONS // 2:
                assert projects.fleet_counts(stage.postgres)[0] < LANES * STEPS, "the run was over before half of the rotations"
        print(f"\n{gateway}: {ROTATIONS} rotations in {time.monotonic() - begun:.1f} s")

        history = check(stage, "load", LANES * STEPS)
        print(f"{gateway}: wait for a worker under rotation: {rotation.summary(rotation.waits(history))}")
        calm_nodes = [f"lane_{lane}_{step}" for lane in range(LANES) for step in range(2)]
        start(stage, "calm", select=" ".join(calm_nodes))
        calm = check(stage, "calm", len(calm_nodes))
        added = max(rotation.waits(history)) - max(rotation.waits(calm))
        print(f"{gateway}: without rotation: {rotation.summary(rotation.waits(calm))}; longest added latency {max(added, 0) * 1000:.0f} ms")
        assert max(rotation.waits(history)) < 8, "a task that was lost is delivered again after ten seconds"
        for worker in workers:
            assert len(events(worker, "new TLS files in use")) == ROTATIONS
            assert not events(worker, "new TLS files are not used")
            assert worker.stop() == 0


def test_the_metrics_page_tells_of_handshakes_and_rotations():
    # Empty polls end soon, so that connections drain: at most two generations of an identity have connections at a time.
    with stage_module.Stage(settings=('matching.longPollExpirationInterval="300ms"',)) as stage:
        identities = rotation.pairs(stage.certificates, stage.folder / "pairs", 2)
        mount = rotation.Mount(stage.folder / "identity", identities[0])
        worker = rotated_worker(stage, "counted", None, mount).start()

        def page() -> dict[str, float]:
            return metrics.read(worker)

        handshakes = 'sallyport_tls_handshakes_total{result="ok"}'
        succeeded, invalid = ('sallyport_rotations_total{kind="tls",result="%s"}' % result for result in ("success", "invalid"))
        first = page()
        assert first[handshakes] == 1 and first["sallyport_credential_generation"] == 1
        assert succeeded not in first and invalid not in first
        end = first['sallyport_certificate_not_after_seconds{kind="client"}']
        assert 29 * 86400 < end - time.time() <= 30 * 86400

        mount.swap(identities[1])
        stage_module.wait_for("the rotation", lambda: page().get(succeeded) == 1, seconds=30, log=worker.log)
        second = page()
        assert second[handshakes] == 2 and second["sallyport_credential_generation"] == 2
        assert 0 <= time.time() - second["sallyport_rotation_last_success_timestamp_seconds"] < 30
        assert second['sallyport_reconnects_total{cause="rotation"}'] == 1

        # A key that does not belong to the certificate is never shown to the server: no handshake comes of it.
        mount.swap(identities[1] | {"tls.key": identities[0]["tls.key"]})
        stage_module.wait_for("the refusal", lambda: page().get(invalid) == 1, seconds=30, log=worker.log)
        third = page()
        assert third[handshakes] == 2 and third["sallyport_credential_generation"] == 2 and third[succeeded] == 1
        assert third["sallyport_ready"] == 1
        status, health = worker.health("/readyz")
        assert status == 200 and any("key" in warning for warning in json.loads(health)["warnings"])
        assert worker.stop() == 0


def test_workers_told_to_stop_leave_the_run_to_their_heir(tmp_path):
    """X11: twenty open polls and running tasks, behind a haproxy that does not notice clients that leave.

    The server ends the polls of a worker that leaves. It does that without loss within one partition of a queue only: a poll that
    one partition forwarded to another is cut off there even when the other has just given it a task.
    """
    settings = (
        "frontend.enableCancelWorkerPollsOnShutdown=true",
        "matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
    with stage_module.Stage("haproxy", abort_on_close=False, settings=settings) as stage:
        project = projects.fleet(tmp_path / "fleet", 5, 6, seconds=2.0)
        leaving = [stage.worker(name=f"leaving-{number}", project=project, WORKER_GRACEFUL_SHUTDOWN_SECS="30") for number in range(WORKERS)]
        for worker in leaving:
            worker.start()
        start(stage, "leave")
        stage_module.wait_for("the first tables", lambda: projects.fleet_counts(stage.postgres)[0] >= 5, seconds=60)
        heir = stage.worker(name="heir", project=project).start()
        begun = time.monotonic()
        for worker in leaving:
            worker.send(signal.SIGTERM)
        codes = [worker.wait(40) for worker in leaving]
        assert codes == [0, 0]
        assert time.monotonic() - begun < 30
        history = check(stage, "leave", 30)
        print(f"\nwait for a worker while two leave: {rotation.summary(rotation.waits(history))}")
        assert heir.stop() == 0
