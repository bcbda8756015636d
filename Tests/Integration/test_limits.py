"""X1: a worker that runs out of descriptors backs off, says so in its metrics, lives, and recovers."""

import pathlib
import signal
import subprocess
import time

import projects
import stage as stage_module


def metric(worker, name: str) -> float:
    for line in worker.health("/metrics")[1].splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {name}")


def limit(pid: int, descriptors: str):
    """Changes the limit of a running worker, as its own user: no more right is needed for that."""
    subprocess.run(stage_module.as_user(stage_module.POD_USER, ["prlimit", "--pid", str(pid), f"--nofile={descriptors}"]), check=True)


def run(stage, name: str):
    done = stage.sallyport("submit", "run", "--workflow-id", name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_x1_with_32_descriptors_and_then_none_to_spare_the_worker_backs_off_and_recovers(fresh_stage, tmp_path):
    stage = fresh_stage
    project = projects.project(tmp_path / "p", {"models/one.sql": "select 1 as id", "models/two.sql": "select * from {{ ref('one') }}"})
    worker = stage.worker(project=project)
    worker.command = ["prlimit", "--nofile=32:32", *worker.command]
    worker.start()
    pid = worker.pid
    assert "Max open files            32                   32" in pathlib.Path(f"/proc/{pid}/limits").read_text()
    run(stage, "with-32")
    assert metric(worker, "process_max_fds") == 32 and 5 < metric(worker, "process_open_fds") <= 32
    failed = metric(worker, "sallyport_connection_attempts_failed_total")
    # Nothing may be opened any more; the connection that is there is then cut.
    limit(pid, "3:32")
    stage.gateway.stop(signal.SIGKILL)
    stage.gateway.start()
    complaints = lambda: worker.log.read_text().count("Too many open files")  # noqa: E731
    stage_module.wait_for("attempts without descriptors", lambda: complaints() >= 3, seconds=60, alive=worker.process, log=worker.log)
    before = complaints()
    time.sleep(5)
    assert complaints() - before <= 40, "it tries again and again without a pause"
    assert worker.process.poll() is None, worker.log.read_text()[-3000:]
    limit(pid, "32:32")
    worker.wait_until_ready(seconds=60)
    assert metric(worker, "sallyport_connection_attempts_failed_total") >= failed + 3
    run(stage, "afterwards")
    assert metric(worker, "process_open_fds") <= 32
    assert worker.stop() == 0
