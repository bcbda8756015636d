"""The real parts that demo, benchmarks and integration tests run against, each started on a free port of 127.0.0.1.

A `Stage` owns a temporary folder and every process it starts; leaving its `with` block stops them and removes the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / ".cache" / "venv" / "bin"
MACROS = ROOT / ".cache" / "macros"
BINARY = pathlib.Path(os.environ.get("SALLYPORT_BINARY") or ROOT / ".build" / "release" / "sallyport")
HARBOR = ROOT / "Examples" / "harbor"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")

# What the worker runs as, and an account that no password file needs to know.
POD_USER = 65532


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: str, condition, seconds: float = 30.0, alive: subprocess.Popen | None = None, log: pathlib.Path | None = None):
    """Calls `condition` until it answers something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        dead = alive is not None and alive.poll() is not None
        if dead or time.monotonic() > deadline:
            tail = "\n" + log.read_text(errors="replace")[-3000:] if log is not None and log.exists() else ""
            raise RuntimeError(f"{what}: {'the process ended' if dead else f'not within {seconds} s'}{tail}")
        time.sleep(0.05)


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def as_user(user: int, command: list[str]) -> list[str]:
    """The command run as `user` when we are root; as ourselves otherwise."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]


class Part:
    """One process with a log file. Ended by its own pid only."""

    def __init__(self, name: str, folder: pathlib.Path):
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen | None = None

    def launch(self, command: list, **options) -> subprocess.Popen:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
            )
        return self.process

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int | None:
        process, self.process = self.process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode


class Postgres(Part):
    """A private PostgreSQL whose only user `harbor` signs in with a random password."""

    def __init__(self, folder: pathlib.Path, settings: tuple[str, ...] = ()):
        super().__init__("postgres", folder)
        self.settings = [word for setting in settings for word in ("-c", setting)]
        self.port = free_port()
        self.password = secrets.token_urlsafe(18)
        self.data = folder / "postgres"
        password_file = folder / "postgres.password"
        password_file.write_text(self.password)
        self.data.mkdir()
        self.user = 0
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and wants an account with a name
            self.user = pwd.getpwnam("postgres").pw_uid
            for path in (self.data, password_file):
                os.chown(path, self.user, self.user)
        made = subprocess.run(
            as_user(self.user, [
                str(POSTGRES / "initdb"), "-D", str(self.data), "-U", "harbor", "--pwfile", str(password_file),
                "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            ]),
            capture_output=True, text=True,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        password_file.unlink()
        self.start()
        self.execute("create database harbor", database="postgres")

    def start(self):
        self.launch(as_user(self.user, [
            str(POSTGRES / "postgres"), "-D", str(self.data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={self.data}", "-c", "fsync=off", *self.settings,
        ]))
        wait_for("PostgreSQL", self.is_ready, alive=self.process, log=self.log)

    def is_ready(self) -> bool:
        with contextlib.suppress(Exception):
            self.execute("select 1", database="postgres")
            return True
        return False

    def stop(self, number: int = signal.SIGINT, seconds: float = 20.0):
        return super().stop(number, seconds)  # SIGINT: fast shutdown

    def restart(self):
        self.stop()
        self.start()

    def execute(self, sql: str, database: str = "harbor") -> list[tuple]:
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="harbor", password=self.password, dbname=database, connect_timeout=5
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


class Temporal(Part):
    """The Temporal development server over a database file, in plain text on its own port."""

    def __init__(self, folder: pathlib.Path, settings: tuple[str, ...] = ()):
        super().__init__("temporal", folder)
        self.port = free_port()
        self.settings = [word for setting in settings for word in ("--dynamic-config-value", setting)]
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, wait: bool = True):
        self.launch([
            VENV / "temporal", "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", self.port,
            "--http-port", free_port(), "--metrics-port", free_port(),
            "--db-filename", self.folder / "temporal.db", "--log-level", "error", *self.settings,
        ])
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self):
        wait_for("Temporal", lambda: accepts(self.port), alive=self.process, log=self.log)
        wait_for("Temporal's namespace", lambda: self.cli("operator", "namespace", "describe", "default", check=False).returncode == 0,
                 alive=self.process, log=self.log)

    def restart(self):
        self.stop()
        self.start()

    def cli(self, *words: str, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess:
        """The official command line."""
        return subprocess.run(
            [VENV / "temporal", *words, "--address", self.address], capture_output=True, text=True, timeout=seconds, check=check
        )

    def history(self, workflow_id: str) -> dict:
        return json.loads(self.cli("workflow", "show", "--workflow-id", workflow_id, "--output", "json").stdout)


class Certificates:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder / "certs"
        subprocess.run([ROOT / "certs-example" / "make-certs", self.folder], check=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, POD_USER, POD_USER)
            for path in self.folder.iterdir():
                os.chown(path, POD_USER, POD_USER)

    def __getattr__(self, name: str) -> pathlib.Path:
        """`certificates.client_crt` is the path of client.crt."""
        stem, _, suffix = name.rpartition("_")
        path = self.folder / f"{stem.replace('_', '-')}.{suffix}"
        if not stem or not path.exists():
            raise AttributeError(name)
        return path


class Gateway(Part):
    """A TLS gateway in front of Temporal that demands a client certificate: nginx, haproxy or nghttpx."""

    def __init__(self, kind: str, folder: pathlib.Path, certificates: Certificates, upstream: int, api_key: str | None = None,
                 client_certificate: bool = True, abort_on_close: bool = True):
        super().__init__(kind, folder)
        self.abort_on_close = abort_on_close
        self.port = free_port()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=folder))
        self.command = getattr(self, f"_{kind}")(certificates, upstream, api_key, client_certificate)
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.launch(self.command, cwd=self.work)
        wait_for(self.name, lambda: accepts(self.port), alive=self.process, log=self.log)

    def restart(self):
        self.stop(signal.SIGTERM, seconds=5)
        self.start()

    def _nginx(self, certificates, upstream, api_key, client_certificate):
        check = f'if ($http_authorization != "Bearer {api_key}") {{ return 401; }}' if api_key else ""
        verify = f"ssl_client_certificate {certificates.ca_crt}; ssl_verify_client on;" if client_certificate else ""
        (self.work / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid nginx.pid; error_log stderr; events {{ }}
            http {{
              access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
              upstream scheduler {{ server 127.0.0.1:{upstream}; keepalive 32; }}
              server {{
                listen 127.0.0.1:{self.port} ssl http2; ssl_protocols TLSv1.2 TLSv1.3;
                ssl_certificate {certificates.server_crt}; ssl_certificate_key {certificates.server_key}; {verify}
                client_max_body_size 0; keepalive_requests 1000000;
                location / {{ {check} grpc_pass grpc://scheduler; grpc_read_timeout 120s; grpc_send_timeout 120s; }}
              }}
            }}""")
        return ["nginx", "-p", self.work, "-c", self.work / "nginx.conf", "-e", "stderr"]

    def _haproxy(self, certificates, upstream, api_key, client_certificate):
        pair = self.work / "server.pem"
        pair.write_text(certificates.server_crt.read_text() + certificates.server_key.read_text())
        pair.chmod(0o600)
        verify = f"ca-file {certificates.ca_crt} verify required" if client_certificate else ""
        check = f'http-request deny deny_status 401 unless {{ req.hdr(authorization) -m str "Bearer {api_key}" }}' if api_key else ""
        (self.work / "haproxy.cfg").write_text(f"""
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  {"option abortonclose" if self.abort_on_close else ""}
frontend gate
  bind 127.0.0.1:{self.port} ssl crt {pair} {verify} alpn h2
  {check}
  default_backend scheduler
backend scheduler
  server s1 127.0.0.1:{upstream} proto h2
""")
        return ["haproxy", "-db", "-f", self.work / "haproxy.cfg"]

    def _nghttpx(self, certificates, upstream, api_key, client_certificate):
        verify = ["--verify-client", f"--verify-client-cacert={certificates.ca_crt}"] if client_certificate else []
        assert api_key is None, "nghttpx has no header check; use nginx or haproxy"
        return ["nghttpx", "--conf=/dev/null", f"-f127.0.0.1,{self.port}", f"-b127.0.0.1,{upstream};;proto=h2", "-n1", "--no-ocsp",
                *verify, "--backend-read-timeout=120s", "--frontend-http2-read-timeout=180s", "--single-process",
                certificates.server_key, certificates.server_crt]


class PodRoot:
    """The file system of a pod, made as the image's is, with mount points for what the platform would mount."""

    def __init__(self, folder: pathlib.Path):
        self.path = folder / "pod"
        subprocess.run([ROOT / "docker" / "make-root", self.path, BINARY], check=True)


class Worker(Part):
    """`sallyport worker` in a bubblewrap sandbox: own uid, read-only root, no capabilities, 64 MB of /tmp, nothing else to write."""

    def __init__(self, folder: pathlib.Path, root: PodRoot, environment: dict[str, str], mounts: dict[str, pathlib.Path], name: str = "worker"):
        super().__init__(name, folder)
        self.health_port = free_port()
        self.environment = {
            "SALLYPORT_MACROS": "/usr/share/sallyport/macros", "LOG_FORMAT": "json", "HEALTH_PORT": str(self.health_port),
            "HEALTH_FILE": "/tmp/health", "LANG": "C.UTF-8", **environment,
        }
        self.command = [
            "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent",
            "--as-pid-1", "--cap-drop", "ALL", "--uid", POD_USER, "--gid", POD_USER, "--clearenv", "--ro-bind", root.path, "/",
            "--size", 64 << 20, "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev",
        ]
        for target, source in mounts.items():
            (root.path / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
            self.command += ["--ro-bind", source, target]
        # Last: /dev is a tmpfs of its own, and bubblewrap leaves it writable.
        self.command += ["--remount-ro", "/dev"]
        for key, value in self.environment.items():
            self.command += ["--setenv", key, value]
        self.command += ["--chdir", "/tmp", "/bin/sallyport", "worker"]

    def start(self, wait: bool = True) -> "Worker":
        self.launch(as_user(POD_USER, [str(word) for word in self.command]))
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self, seconds: float = 30):
        wait_for(self.name, self.is_ready, seconds, alive=self.process, log=self.log)

    def health(self, path: str = "/readyz") -> tuple[int, str]:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.health_port, timeout=2)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.health()[0] == 200
        return False

    @property
    def pid(self) -> int:
        """The worker's own pid, seen from outside the sandbox."""
        assert self.process is not None
        pid = self.process.pid
        while True:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if not children:
                return pid
            pid = int(children[0])

    def send(self, number: int):
        os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int:
        assert self.process is not None
        code = self.process.wait(seconds)
        self.process = None
        return code

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int | None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.send(number)
        process, self.process = self.process, None
        if process is None:
            return None
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


class Stage:
    """Certificates, PostgreSQL, Temporal and a gateway, ready to run workers and submit runs."""

    def __init__(self, gateway: str = "nginx", api_key: str | None = None, client_certificate: bool = True,
                 abort_on_close: bool = True, settings: tuple[str, ...] = ()):
        self.abort_on_close = abort_on_close
        self.settings = settings
        self.gateway_kind = gateway
        self.api_key = api_key
        self.client_certificate = client_certificate
        self.parts: list[Part] = []

    def __enter__(self) -> "Stage":
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-stage-"))
        self.folder.chmod(0o755)
        try:
            self.certificates = Certificates(self.folder)
            self.postgres = self.own(Postgres(self.folder))
            self.temporal = self.own(Temporal(self.folder, self.settings))
            self.gateway = self.own(Gateway(
                self.gateway_kind, self.folder, self.certificates, self.temporal.port, self.api_key, self.client_certificate,
                self.abort_on_close))
            self.root = PodRoot(self.folder)
            self.harbor = self.make_project()
            self.make_profile()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        for part in reversed(self.parts):
            part.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def own(self, part):
        self.parts.append(part)
        return part

    def make_profile(self):
        """A profile whose password stands in a mounted file of its own."""
        self.profiles = self.folder / "profiles"
        self.profiles.mkdir()
        (self.profiles / "password").write_text(self.postgres.password + "\n")
        (self.profiles / "profiles.yml").write_text(
            "harbor:\n  target: prod\n  outputs:\n    prod:\n      type: postgres\n      host: 127.0.0.1\n"
            f"      port: {self.postgres.port}\n      user: harbor\n      password_file: /profiles/password\n"
            "      dbname: harbor\n      schema: harbor\n      threads: 4\n")
        if os.geteuid() == 0:
            for path in (self.profiles, *self.profiles.iterdir()):
                os.chown(path, POD_USER, POD_USER)
        (self.profiles / "password").chmod(0o400)

    def make_project(self) -> pathlib.Path:
        """The example project where the pod's user can read it: a clone below root's home is closed to everybody else."""
        folder = shutil.copytree(HARBOR, self.folder / "harbor")
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        return folder

    def worker(self, name: str = "worker", project: pathlib.Path | None = None, **environment: str) -> Worker:
        settings = {
            "TEMPORAL_ADDRESS": self.gateway.address, "TEMPORAL_TLS_CA": "/certs/ca.crt",
            "DBT_PROJECT_DIR": "/project", "DBT_PROFILES_DIR": "/profiles",
        }
        if self.client_certificate:
            settings |= {"TEMPORAL_TLS_CERT": "/certs/client.crt", "TEMPORAL_TLS_KEY": "/certs/client.key"}
        if self.api_key is not None:
            (self.profiles / "api-key").write_text(self.api_key + "\n")
            if os.geteuid() == 0:
                os.chown(self.profiles / "api-key", POD_USER, POD_USER)
            settings["TEMPORAL_API_KEY_FILE"] = "/profiles/api-key"
        mounts = {"/project": project or self.harbor, "/profiles": self.profiles, "/certs": self.certificates.folder}
        return self.own(Worker(self.folder, self.root, settings | environment, mounts, name))

    def client_environment(self, **environment: str) -> dict[str, str]:
        """What `sallyport submit` needs outside the sandbox."""
        settings = {
            **os.environ, "TEMPORAL_ADDRESS": self.gateway.address, "TEMPORAL_TLS_CA": str(self.certificates.ca_crt),
            "SALLYPORT_MACROS": str(MACROS),
        }
        if self.client_certificate:
            settings |= {
                "TEMPORAL_TLS_CERT": str(self.certificates.client_crt), "TEMPORAL_TLS_KEY": str(self.certificates.client_key)}
        if self.api_key is not None:
            settings["TEMPORAL_API_KEY"] = self.api_key
        return settings | environment

    def sallyport(self, *words: str, seconds: float = 300, **environment: str) -> subprocess.CompletedProcess:
        """The command line outside the sandbox, its output captured."""
        return subprocess.run(
            [BINARY, *words], capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
            env=self.client_environment(**environment))

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))
