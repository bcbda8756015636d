"""X13: a worker with a user id nobody knows, no account, no home, a read-only root, no capabilities and filtered system calls.

X14: the worker's restriction of itself, on top of that."""

import errno
import json
import pathlib
import socket
import subprocess

import histories
import metrics
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


def confinement(worker) -> str:
    return json.loads(worker.health("/healthz")[1])["confinement"]


@pytest.fixture(scope="module")
def confined(stage):
    """A worker that may dial the gateway and PostgreSQL, and has to restrict itself."""
    ports = (stage.gateway.port, stage.postgres.port)
    allowed = ",".join(f"127.0.0.1:{port}" for port in ports)
    worker = stage.worker(name="confined", SALLYPORT_CONFINE="required", SALLYPORT_EGRESS_ALLOW=allowed)
    yield worker.start()
    assert worker.stop() == 0


def test_x14_the_smoke_passes_under_landlock_and_the_filter(stage, confined):
    seen = 0
    for task in pathlib.Path(f"/proc/{confined.pid}/task").iterdir():
        try:
            status = proof.status(f"{confined.pid}/task/{task.name}")
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that ended since
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status["Name"]
        seen += 1
    assert seen > 3
    restricted = confinement(confined)
    assert restricted.startswith("files (Landlock ") and restricted.endswith("system calls"), restricted
    starting = [json.loads(line) for line in confined.log.read_text().splitlines() if '"starting"' in line]
    assert [line["confinement"] for line in starting] == [restricted]
    confined_layers = {key: value for key, value in metrics.read(confined).items() if key.startswith("sallyport_confined")}
    assert len(confined_layers) == 4 and confined_layers['sallyport_confined{layer="files"}'] == 1
    assert confined_layers['sallyport_confined{layer="calls"}'] == 1
    done = stage.sallyport("submit", "build", "--workflow-id", "confined")
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = histories.node_activities(stage.temporal.history("confined"))
    assert len(nodes) >= 34 and all(node["attempts"] == 1 for node in nodes.values())
    assert "EPERM" not in confined.log.read_text() and "Operation not permitted" not in confined.log.read_text()
    assert "Permission denied" not in confined.log.read_text()


# What a worker in its sandbox could do on its own, and may not once it has restricted itself.
CALLS = {
    "execve", "fork", "ptrace", "process_vm_readv", "unshare", "setns", "perf_event_open", "io_uring_setup", "memfd_create",
    "userfaultfd", "add_key", "keyctl", "setuid", "execveat", "name_to_handle_at", "bpf", "mount"}
SOCKETS = {"socket packet", "socket raw", "socket multipath", "socket alg", "socket vsock", "socket uevent"}
ORDINARY = {"socket tcp", "socket udp6", "socket unix", "socket routes"}


def trial(worker, *words: str) -> list[str]:
    command = [str(word) for word in worker.command[:-1]] + ["confinement-trial", *words]
    done = subprocess.run(
        stage_module.as_user(stage_module.POD_USER, command), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_x14_forbidden_connects_opens_and_programs_fail(stage):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        closed, free = elsewhere.getsockname()[1], stage_module.free_port()
        reached, secret = stage.gateway.port, stage.folder / "elsewhere"
        secret.mkdir(exist_ok=True)
        (secret / "file").write_text("not for the worker")
        (secret / "file").chmod(0o644)
        words = []
        for path in ("/elsewhere/file", "/project/dbt_project.yml", "/etc/resolv.conf", "/certs/tls.crt", "/bin/sallyport"):
            words += ["--read", path]
        words += ["--write", "/tmp/made", "--write", "/shared/made", "--connect", str(reached), "--connect", str(closed)]
        words += ["--listen", str(free)]
        shared = stage.folder / "shared"
        shared.mkdir(exist_ok=True)
        shared.chmod(0o777)

        def attempt(mode: str) -> list[str]:
            worker = stage.worker(
                name=f"trial-{mode}", SALLYPORT_CONFINE=mode,
                SALLYPORT_EGRESS_ALLOW=f"127.0.0.1:{reached},127.0.0.1:{stage.postgres.port}")
            for name in ("elsewhere", "shared"):
                (stage.root.path / name).mkdir(exist_ok=True)
            at = worker.command.index("--remount-ro")
            worker.command[at:at] = ["--ro-bind", secret, "/elsewhere", "--bind", shared, "/shared"]
            return trial(worker, *words)

        before, program = attempt("off")
        after, refusal = attempt("required")
    # The sandbox alone leaves these open, so that it is the restriction that closes them.
    before = json.loads(before)["answers"]
    assert program == stage.sallyport("version").stdout.strip()
    assert all(before[name] == 0 for name in ("fork", "unshare", "setuid", "socket multipath", f"listen {free}", f"connect {closed}"))
    assert all(before[name] != errno.EPERM for name in ("ptrace", "process_vm_readv", "setns", "memfd_create", "execveat"))
    assert before["read /elsewhere/file"] == before["read /bin/sallyport"] == before["write /shared/made"] == 0

    report = json.loads(after)
    answers, landlock = report["answers"] | json.loads(refusal), report["restricted"]
    assert {name: answers[name] for name in CALLS} == dict.fromkeys(CALLS, errno.EPERM)
    assert answers["clone3"] == errno.ENOSYS
    assert {name: answers[name] for name in SOCKETS} == dict.fromkeys(SOCKETS, errno.EPERM)
    assert {name: answers[name] for name in ORDINARY} == dict.fromkeys(ORDINARY, 0)
    for who in ("", "thread "):
        assert answers[who + "read /elsewhere/file"] == errno.EACCES
        assert answers[who + "read /bin/sallyport"] == errno.EACCES
        assert answers[who + "write /shared/made"] == errno.EACCES
        assert answers[who + "read /project/dbt_project.yml"] == answers[who + "write /tmp/made"] == 0
        assert answers[who + "read /certs/tls.crt"] in (0, errno.ENOENT)
    assert "TCP ports 53 " in landlock, f"this kernel's Landlock cannot restrict ports: {landlock}"
    assert answers[f"connect {reached}"] == 0 and answers[f"connect {closed}"] == errno.EACCES
    assert answers[f"listen {free}"] == errno.EACCES
