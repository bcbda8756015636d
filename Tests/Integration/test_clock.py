"""X7: the wall clock jumps a day forwards and backwards: deadlines do not care, and a certificate's error names the clock."""

import signal
import time

import histories
import projects
import sandbox
import stage as stage_module

DAY = 86_400


def started(worker) -> float:
    """When the worker says that it started."""
    page = worker.health("/metrics")[1].splitlines()
    return float(next(line for line in page if line.startswith("process_start_time_seconds ")).split()[1])


def test_x7_a_run_goes_on_while_the_wall_clock_jumps_and_a_certificate_error_names_the_clock(fresh_stage, tmp_path):
    stage = fresh_stage
    clock = sandbox.Clock(tmp_path)
    worker = stage.worker(project=projects.fleet(tmp_path / "fleet", width=4, depth=4, seconds=0.5))
    clock.give(worker)
    worker.start()
    stage.temporal.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", "jumps", "--input", '{"command":"run"}')
    stage_module.wait_for("the first tables", lambda: projects.fleet_counts(stage.postgres)[0] >= 2, seconds=60)
    begun = started(worker)
    for offset in (DAY, -DAY, DAY, 0):
        clock.set(offset)
        time.sleep(0.7)
        assert worker.health("/readyz")[0] == 200 and worker.health("/livez")[0] == 200
        # The worker does see the jump: the time it says it started at is reckoned from the wall clock.
        assert abs(started(worker) - begun - offset) < 5
    stage.temporal.cli("workflow", "result", "--workflow-id", "jumps", check=False, seconds=120)
    history = stage.temporal.history("jumps")
    assert histories.close_kind(history) == "COMPLETED", history["events"][-1]
    nodes = histories.node_activities(history)
    assert len(nodes) == 16 and all(node["attempts"] == 1 for node in nodes.values())
    assert "DEADLINE_EXCEEDED" not in worker.log.read_text()

    # A day too early, the certificates made a minute ago are not valid yet: the error says where to look.
    clock.set(-DAY)
    stage.gateway.stop(signal.SIGKILL)
    stage.gateway.start()
    stage_module.wait_for("the error", lambda: "check this machine's clock" in worker.log.read_text(), seconds=60, log=worker.log)
    assert worker.health("/livez")[0] == 200
    stage_module.wait_for("no readiness", lambda: worker.health("/readyz")[0] == 503, seconds=30)
    clock.set(0)
    worker.wait_until_ready(seconds=90)
    assert worker.stop() == 0
