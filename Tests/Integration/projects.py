"""Small dbt projects that tests write to a folder of their own."""

from __future__ import annotations

import pathlib


def write(folder: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def project(folder: pathlib.Path, files: dict[str, str], name: str = "harbor") -> pathlib.Path:
    """A project of the given files; its profile is the stage's `harbor`."""
    header = f"name: {name}\nversion: '1.0'\nconfig-version: 2\nprofile: harbor\n"
    return write(folder, {"dbt_project.yml": header, **files})


def fleet(folder: pathlib.Path, width: int = 8, depth: int = 6, seconds: float = 0.4) -> pathlib.Path:
    """width × depth tables in lanes, each taking `seconds` in the database; no lane waits for another."""
    files = {}
    for lane in range(width):
        for step in range(depth):
            parent = f"-- depends_on: {{{{ ref('lane_{lane}_{step - 1}') }}}}\n" if step else ""
            files[f"models/lane_{lane}_{step}.sql"] = (
                "{{ config(materialized='table') }}\n" + parent + f"select {lane} as lane, {step} as step, pg_sleep({seconds})::text as slept\n")
    return project(folder, files, name="fleet")


def fleet_counts(postgres) -> tuple[int, int]:
    """How many tables of a fleet exist, and how many leftovers of half-done materializations."""
    rows = postgres.execute("select tablename from pg_tables where schemaname = 'harbor' and tablename like 'lane%'")
    done = [name for (name,) in rows if "__dbt" not in name]
    return len(done), len(rows) - len(done)
