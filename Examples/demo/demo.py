"""`make demo`: the product's main job on real parts, in a sandbox as strict as a locked-down pod, and the proof that it kept to it."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Integration"))

import proof  # noqa: E402
import stage  # noqa: E402


def say(text: str):
    print(f"demo: {text}", flush=True)


def check(what: str, holds: bool, detail: str = ""):
    print(f"  {'ok  ' if holds else 'FAIL'}  {what}{': ' + detail if detail else ''}", flush=True)
    if not holds:
        raise SystemExit(1)


def show_tables(postgres: stage.Postgres):
    relations = postgres.execute(
        "select n.nspname, c.relname, case c.relkind when 'r' then 'table' when 'v' then 'view' end from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('harbor', 'harbor_marts', 'harbor_history') "
        "and c.relkind in ('r', 'v') order by 1, 2")
    for schema, name, kind in relations:
        [(rows,)] = postgres.execute(f'select count(*) from "{schema}"."{name}"')
        print(f"  {schema}.{name:24} {kind:6} {rows:5} rows")
    check("the marts hold rows", any(schema == "harbor_marts" for schema, _, _ in relations))
    print("  busiest ports: " + ", ".join(
        f"{port} ({calls})" for port, calls in postgres.execute(
            "select port_name, calls from harbor_marts.port_traffic order by calls desc, port_name limit 3")))


def main():
    begun = time.monotonic()
    say("starting a private PostgreSQL, a real Temporal server, and nginx before it, which demands a client certificate")
    with stage.Stage() as parts:
        worker = parts.worker()
        before = proof.digest(parts.harbor), proof.digest(parts.root.path)
        worker.start()
        pid = worker.pid
        say(f"the worker polls: uid {stage.POD_USER}, read-only root, no capabilities, 64 MB of /tmp")
        say("sallyport submit build")
        submitted = subprocess.run(
            [stage.BINARY, "submit", "build", "--workflow-id", "demo"], env=parts.client_environment(), stdin=subprocess.DEVNULL)
        check("the run succeeded", submitted.returncode == 0, f"exit code {submitted.returncode}")
        say("what stands in the warehouse now")
        show_tables(parts.postgres)

        say("what the worker did not do")
        writable = proof.writable_mounts(pid)
        check("it can write to /tmp only", writable == ["/tmp"], ", ".join(writable))
        left = [str(path) for path in pathlib.Path(f"/proc/{pid}/root/tmp").rglob("*") if path.is_file()]
        check("its health file is all it left there", [pathlib.Path(path).name for path in left] == ["health"], ", ".join(left))
        facts = proof.status(pid)
        check("it has no capabilities and cannot gain any", int(facts["CapEff"], 16) == 0 and facts["NoNewPrivs"] == "1")
        ports = proof.listening_ports(pid)
        check("it listens on its health address only", ports == [worker.health_port], str(ports))
        check("project and root file system are as before", before == (proof.digest(parts.harbor), proof.digest(parts.root.path)))
        history = parts.temporal.cli("workflow", "show", "--workflow-id", "demo", "--output", "json").stdout
        found = proof.leaks(parts, {"a log": parts.logs(), "the workflow's history": history})
        check("no secret stands in any log or in the history", not found, ", ".join(found))
        code = worker.stop()
        check("it stops on SIGTERM", code == 0, f"exit code {code}")
    say(f"done in {time.monotonic() - begun:.1f} s; everything is stopped and removed")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
