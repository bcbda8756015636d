"""X13: a worker with a user id nobody knows, no account, no home, a read-only root, no capabilities and filtered system calls."""

import json

import pathlib

import histories
import proof
import pytest
import sandbox
import stage as stage_module


@pytest.fixture(scope="module")
def hardened(stage):
    plain = stage.worker(name="plain")
    mounts = {"/project": stage.harbor, "/profiles": stage.profiles, "/certs": stage.certificates.folder}
    settings = {key: value for key, value in plain.environment.items() if key.startswith(("TEMPORAL", "DBT"))}
    worker = stage.own(sandbox.HardenedWorker(stage.folder, stage.root, settings, mounts, "hardened"))
    yield worker.start()
    assert worker.stop() == 0


def test_x13_the_full_smoke_passes_with_a_random_user_no_account_and_filtered_calls(stage, hardened):
    status = proof.status(hardened.pid)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert proof.writable_mounts(hardened.pid) == ["/tmp"]
    inside = pathlib.Path(f"/proc/{hardened.pid}/root")
    assert (inside / "etc/passwd").read_bytes() == b"", "there is an account after all"
    done = stage.sallyport("submit", "build", "--workflow-id", "hardened")
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = histories.node_activities(stage.temporal.history("hardened"))
    assert len(nodes) >= 34 and all(node["attempts"] == 1 for node in nodes.values())
    assert "EPERM" not in hardened.log.read_text() and "Operation not permitted" not in hardened.log.read_text()


def test_x13_doctor_sees_the_same_confinement_from_inside(hardened):
    done = hardened.run("doctor", "--json")
    report = json.loads(done.stdout)
    steps = {step["name"]: step for step in report["steps"]}
    assert done.returncode == 0 and report["first_failure"] is None, done.stdout + done.stderr
    facts = steps["process"]["facts"]
    assert (facts["uid"], facts["gid"]) == (hardened.uid, 0)
    assert facts["capabilities"] == "0x0" and facts["no_new_privs"] is True and facts["seccomp"] == 2
    assert facts["root_writable"] is False and facts["writable"] == ["/tmp"] and facts["core_dumps"] is False
    assert steps["process"]["status"] == "ok"
    assert steps["task_queue"]["facts"]["workflow_pollers"] >= 1
    assert steps["warehouse"]["status"] == "ok"
