"""A peer that is not who it should be, or credentials it does not take: a message that names cause and fix, and no connection."""

import subprocess

import pytest
import stage as stage_module


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def gated(request):
    """A gateway that demands a client certificate and a bearer key."""
    with stage_module.Stage(gateway=request.param, api_key="the-right-key-for-this-test") as parts:
        yield parts


def submit(stage, **environment) -> subprocess.CompletedProcess:
    """A run that needs no worker: the start call itself must pass the gateway."""
    return stage.sallyport("submit", "build", "--detach", seconds=60, **environment)


def test_the_right_credentials_pass(gated):
    done = submit(gated)
    assert done.returncode == 0, done.stdout + done.stderr


CASES = {
    "wrong authority": (lambda c: {"TEMPORAL_TLS_CA": str(c.other_ca_crt)}, ["certificate", "TEMPORAL_TLS_CA"]),
    "wrong host name": (lambda c: {"TEMPORAL_TLS_SERVER_NAME": "warehouse.example"}, ["warehouse.example", "TEMPORAL_TLS_SERVER_NAME"]),
    "missing certificate": (lambda c: {"TEMPORAL_TLS_CERT": "", "TEMPORAL_TLS_KEY": ""}, ["client certificate", "TEMPORAL_TLS_CERT"]),
    "expired certificate": (lambda c: {"TEMPORAL_TLS_CERT": str(c.expired_crt), "TEMPORAL_TLS_KEY": str(c.expired_key)}, ["expired", "expired.crt"]),
    "stranger's certificate": (lambda c: {"TEMPORAL_TLS_CERT": str(c.stranger_crt), "TEMPORAL_TLS_KEY": str(c.stranger_key)}, ["certificate"]),
    "mismatched pair": (lambda c: {"TEMPORAL_TLS_KEY": str(c.stranger_key)}, ["stranger.key", "client.crt"]),
    "missing file": (lambda c: {"TEMPORAL_TLS_CERT": "/no/such/file.crt"}, ["/no/such/file.crt", "TEMPORAL_TLS_CERT"]),
    "certificate without key": (lambda c: {"TEMPORAL_TLS_KEY": ""}, ["TEMPORAL_TLS_KEY"]),
    "wrong key": (lambda c: {"TEMPORAL_API_KEY": "not-the-right-key"}, ["TEMPORAL_API_KEY"]),
    "plain text to a remote host": (lambda c: {
        "TEMPORAL_ADDRESS": "http://192.0.2.1:7233", "TEMPORAL_TLS_CA": "", "TEMPORAL_TLS_CERT": "", "TEMPORAL_TLS_KEY": "", "TEMPORAL_API_KEY": ""},
        ["TEMPORAL_TLS"]),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_with_cause_and_fix(gated, case):
    change, words = CASES[case]
    done = submit(gated, **change(gated.certificates))
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert all(word.lower() in said.lower() for word in words), said
    assert "not-the-right-key" not in said and gated.api_key not in said


def test_a_server_without_http2_is_refused(gated, tmp_path):
    port = stage_module.free_port()
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", gated.certificates.server_crt, "-key", gated.certificates.server_key,
         "-quiet"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        stage_module.wait_for("s_server", lambda: stage_module.accepts(port))
        done = submit(gated, TEMPORAL_ADDRESS=f"127.0.0.1:{port}")
        said = (done.stdout + done.stderr).lower()
        assert done.returncode == 2 and "h2" in said and "alpn" in said, said
    finally:
        server.kill()
        server.wait()


def test_credentials_never_travel_in_plain_text(gated):
    """The address answers in plain text; with a certificate set, the client must not talk to it that way."""
    done = submit(gated, TEMPORAL_ADDRESS=gated.temporal.address)
    assert done.returncode == 2
    assert "tls" in (done.stdout + done.stderr).lower()


def test_the_worker_stops_at_start_on_a_bad_configuration(gated):
    worker = gated.worker(name="misconfigured", TEMPORAL_TLS_KEY="", WORKER_MAX_CONCURRENT_ACTIVITIES="many")
    worker.start(wait=False)
    assert worker.wait(20) == 1
    said = worker.log.read_text()
    assert "TEMPORAL_TLS_KEY" in said and "WORKER_MAX_CONCURRENT_ACTIVITIES" in said
