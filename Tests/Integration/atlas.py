"""The project Tests/Projects/atlas, one of everything dbt has, as dbt and as Sallyport see it. No database is asked."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import oracle
import stage as stage_module

SOURCE = stage_module.ROOT / "Tests" / "Projects" / "atlas"

def copy(folder: pathlib.Path, changes: dict[str, str | None] | None = None) -> pathlib.Path:
    """The project in a folder of its own with its package linked; `changes` replaces files, None removes them."""
    shutil.copytree(SOURCE, folder)
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "lib").symlink_to(folder / "packages" / "lib")
    for name, text in (changes or {}).items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)
    return folder


def edited(*replacements: tuple[str, str, str]) -> dict[str, str]:
    """Files of the project with parts replaced, each of which must be there: name, old text, new text."""
    texts: dict[str, str] = {}
    for name, old, new in replacements:
        text = texts.get(name) or (SOURCE / name).read_text()
        assert old in text, (name, old)
        texts[name] = text.replace(old, new)
    return texts


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "SALLYPORT_MACROS": str(stage_module.MACROS)} | more


def _places(folder: pathlib.Path, target: pathlib.Path | None) -> list[str]:
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    return places if target is None else [*places, "--target-path", str(target), "--log-path", str(target)]


def dbt(folder: pathlib.Path, *words: str, target: pathlib.Path | None = None, **variables: str) -> str:
    """What dbt prints; it must succeed."""
    code, output = oracle.shared().run(
        folder, ["--no-use-colors", *words, *_places(folder, target)], environment(**variables))
    assert code == 0, output
    return output


def sallyport(folder: pathlib.Path, *words: str, target: pathlib.Path | None = None, code: int = 0, **variables: str) -> str:
    """What `sallyport dbt` prints; it must exit with `code`."""
    done = subprocess.run(
        [stage_module.BINARY, "dbt", *words, *_places(folder, target)], cwd=folder, env=environment(**variables),
        capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def listings(requests: list[tuple[pathlib.Path, list[str]]], target: pathlib.Path) -> list[list[str] | str]:
    """What `dbt ls` lists for each pair of a project and options, or `error: …`."""
    return oracle.shared().listings(requests, target, environment())


def own_listing(folder: pathlib.Path, words: list[str]) -> list[str]:
    """What `sallyport dbt list` lists."""
    return sorted(line for line in sallyport(folder, "list", "--quiet", "--no-write-json", *words).splitlines() if line)
