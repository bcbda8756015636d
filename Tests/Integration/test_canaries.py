"""X15: planted secrets are looked for in everything that leaves a worker, and in what a core dump of it would hold."""

import base64
import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import memory_image
import projects
import proof
import pytest
import stage as stage_module

API_KEY = "canary.api-key.4f1d93c2b7"
PASSPHRASE = "canary-passphrase-8a7b6c5d"
VARIABLE = "canary-variable-1a2b3c4d5e"
PAYLOAD = "canary-payload-9f8e7d6c5b"
FILES = {
    "models/fine.sql": "select 1 as id",
    "models/payload.sql": "select '{{ var(\"note\", \"none\") }}'::text as note",
    # Fails with the secret in the server's message: put together from pieces, so that the file itself does not hold it.
    "models/leaky.sql": "{{ config(materialized='table') }} select '{{ 'canary-variable' ~ '-1a2b3c4d5e' }}'::integer as id",
}


@pytest.fixture(scope="module")
def canaries(tmp_path_factory):
    """A worker with every kind of secret, after a run that used them all and failed with one."""
    with stage_module.Stage(api_key=API_KEY) as stage:
        certificates = stage.certificates.folder
        subprocess.run(
            ["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", certificates / "client.key", "-out", certificates / "locked.key",
             "-passout", f"pass:{PASSPHRASE}"], check=True)
        (certificates / "passphrase").write_text(PASSPHRASE + "\n")
        for name in ("locked.key", "passphrase"):
            (certificates / name).chmod(0o400)
            if os.geteuid() == 0:
                os.chown(certificates / name, stage_module.POD_USER, stage_module.POD_USER)
        folder = pathlib.Path(stage.folder / "canaries")
        folder.mkdir()
        worker = stage.worker(
            name="canaries", project=projects.project(folder / "p", FILES), DBT_ENV_SECRET_CANARY=VARIABLE, LOG_LEVEL="trace,dbt=info",
            TEMPORAL_TLS_KEY="/certs/locked.key", TEMPORAL_TLS_KEY_PASSPHRASE_FILE="/certs/passphrase", WRITE_ARTIFACTS="true",
            ARTIFACT_STORE="/tmp/artifacts").start()
        done = stage.sallyport(
            "submit", "build", "--workflow-id", "canaries", "--vars", json.dumps({"note": PAYLOAD}))
        assert done.returncode == 1, done.stdout + done.stderr
        yield stage, worker, done
        assert worker.stop() == 0


def key_body(stage) -> str:
    """The first line of the client key's own text."""
    return (stage.certificates.folder / "locked.key").read_text().splitlines()[1]


def planted(stage) -> dict[str, str]:
    return {
        "the API key": API_KEY, "the passphrase": PASSPHRASE, "the secret variable": VARIABLE, "the key file": key_body(stage),
        "the database password": stage.postgres.password,
    }


def test_x15_no_log_failure_history_page_or_artifact_holds_a_planted_secret(canaries):
    stage, worker, done = canaries
    inside = pathlib.Path(f"/proc/{worker.pid}/root/tmp")
    artifacts = {str(path.relative_to(inside)): path.read_text(errors="replace") for path in inside.rglob("*") if path.is_file()}
    assert any(name.endswith("run_results.json") for name in artifacts), artifacts.keys()
    doctor = stage.sallyport("doctor", "--json", DBT_PROJECT_DIR=str(stage.folder / "canaries" / "p"), DBT_PROFILES_DIR=str(stage.profiles))
    texts = {
        "the worker's log": worker.log.read_text(), "the submitter": done.stdout + done.stderr, "doctor": doctor.stdout + doctor.stderr,
        "the history": json.dumps(stage.temporal.history("canaries")),
        # The database's own log is left out: it quotes the statement that failed, as its operator has set it up to.
        "the other logs": "\n".join(path.read_text(errors="replace") for path in stage.folder.glob("*.log") if path.stem != "postgres"),
        **{path: worker.health(path)[1] for path in ("/healthz", "/readyz", "/metrics")}, **artifacts,
        "/proc/PID/cmdline": pathlib.Path(f"/proc/{worker.pid}/cmdline").read_text(),
        "/proc/PID/environ": pathlib.Path(f"/proc/{worker.pid}/environ").read_text(errors="replace"),
    }
    found = []
    for name, value in planted(stage).items():
        forms = {value, base64.b64encode(value.encode()).decode().rstrip("="), value.encode().hex()}
        found += [f"{name} in {place}" for place, text in texts.items() if any(form in text for form in forms)]
    assert found == []
    # The values of a run's vars are its own business: no log says them (only that of dbt at level debug, which shows statements).
    assert PAYLOAD not in texts["the worker's log"] and PAYLOAD not in texts["/metrics"]
    # The secret did reach the failure and the artifacts, so that something had to be replaced there.
    assert "*****" in base64_parts(texts["the history"])
    assert any("*****" in text for name, text in artifacts.items() if name.endswith("run_results.json"))


def base64_parts(history: str) -> str:
    """The payloads of a history, decoded."""
    parts = []
    for word in history.replace('"', " ").split():
        if len(word) > 16:
            try:
                parts.append(base64.b64decode(word, validate=True).decode(errors="replace"))
            except ValueError:
                continue
    return "\n".join(parts)


def test_x15_a_memory_image_without_the_excluded_pages_holds_neither_passphrase_nor_key_file(canaries):
    stage, worker, _ = canaries
    assert os.geteuid() == 0, "reading another process's memory needs root"
    image = memory_image.MemoryImage(worker.pid)
    # The secrets that the worker keeps are in its memory, in pages that dumps leave out: the search would find them.
    assert image.excluded_bytes > 0
    assert image.places(API_KEY.encode(), excluded=True), "the API key is not where it is kept: the test proves nothing"
    for name, value in planted(stage).items():
        places = image.places(value.encode(), excluded=False)
        print(f"{name}: {len(places)} copies in pages that a dump would hold {places[:3]}")
    for name in ("the passphrase", "the key file"):
        assert image.places(planted(stage)[name].encode(), excluded=False) == [], name


def test_core_dumps_are_off_in_every_command_before_it_reads_a_secret(tmp_path):
    """The same limits let another program dump core: it is this one that turned them off."""
    def ended(pid: int) -> tuple[int, int] | None:
        found, status = os.waitpid(pid, os.WNOHANG)
        return (found, status) if found else None

    def crash(command: list, **environment: str) -> tuple[str, bool]:
        # A debug build's backtracer would wait for ever for a process that it may not look into.
        environment |= {"PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no"}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
        time.sleep(2)  # long after the first line of its main function
        limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
        limit = next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4]
        os.kill(process.pid, signal.SIGABRT)
        _, status = stage_module.wait_for("its end", lambda: ended(process.pid), seconds=60)
        process.returncode = status
        return limit, os.WCOREDUMP(status)

    assert crash(["sleep", "60"]) == ("unlimited", True), "this machine writes no cores at all: the test proves nothing"
    away = {"TEMPORAL_ADDRESS": f"127.0.0.1:{stage_module.free_port()}", "SALLYPORT_MACROS": str(stage_module.MACROS)}
    project = projects.project(tmp_path / "p", {"models/one.sql": "select 1 as id", "profiles.yml": (
        "harbor: {target: t, outputs: {t: {type: postgres, host: 127.0.0.1, port: 1, user: u, password: p, dbname: d, schema: s}}}\n")})
    away["DBT_PROJECT_DIR"] = str(project)
    for command in (["worker"], ["submit", "build"]):
        assert crash([stage_module.BINARY, *command], **away) == ("0", False), command
    done = subprocess.run([stage_module.BINARY, "doctor", "--json"], env=away, capture_output=True, text=True)
    steps = {step["name"]: step for step in json.loads(done.stdout)["steps"]}
    assert steps["process"]["facts"]["core_dumps"] is False
    assert not [path for path in tmp_path.glob("core*") if b"sallyport" in path.read_bytes()[:65536]]
