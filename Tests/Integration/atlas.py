"""The project Tests/Projects/atlas, one of everything dbt has, as dbt and as Sallyport see it. No database is asked."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess

import stage as stage_module

SOURCE = stage_module.ROOT / "Tests" / "Projects" / "atlas"

# Answers many `dbt ls` in one process, whose manifest is parsed once a project folder.
LISTING = """
import json, os, sys
requests = json.load(sys.stdin)
from dbt.cli.main import dbtRunner
out = os.dup(1)
os.dup2(2, 1)
manifests, answers = {}, []
for entry in requests:
  folder = entry["folder"]
  common = ["--project-dir", folder, "--profiles-dir", folder, "--target-path", entry["target"], "--log-path", entry["target"]]
  if folder not in manifests:
    parsed = dbtRunner().invoke(["parse", "--no-partial-parse", *common])
    if not parsed.success:
      sys.exit("dbt parse failed: %s" % parsed.exception)
    manifests[folder] = parsed.result
  listed = dbtRunner(manifest=manifests[folder]).invoke(["ls", "--quiet", *entry["words"], *common])
  answers.append(sorted(listed.result) if listed.success else "error: %s" % listed.exception)
sys.stdout.flush()
os.dup2(out, 1)
json.dump(answers, sys.stdout)
"""


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


def _run(program, folder: pathlib.Path, words: tuple[str, ...], target: pathlib.Path | None, **variables: str):
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    if target is not None:
        places += ["--target-path", str(target), "--log-path", str(target)]
    return subprocess.run([*program, *words, *places], cwd=folder, env=environment(**variables), capture_output=True, text=True)


def dbt(folder: pathlib.Path, *words: str, target: pathlib.Path | None = None, **variables: str) -> str:
    """What dbt prints; it must succeed."""
    done = _run([str(stage_module.VENV / "dbt"), "--no-use-colors"], folder, words, target, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sallyport(folder: pathlib.Path, *words: str, target: pathlib.Path | None = None, code: int = 0, **variables: str) -> str:
    """What `sallyport dbt` prints; it must exit with `code`."""
    done = _run([str(stage_module.BINARY), "dbt"], folder, words, target, **variables)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def listings(requests: list[tuple[pathlib.Path, list[str]]], target: pathlib.Path) -> list[list[str] | str]:
    """What `dbt ls` lists for each pair of a project and options, or `error: …`."""
    entries = [{"folder": str(folder), "words": words, "target": str(target)} for folder, words in requests]
    done = subprocess.run(
        [stage_module.VENV / "python", "-c", LISTING], input=json.dumps(entries), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def own_listing(folder: pathlib.Path, words: list[str]) -> list[str]:
    """What `sallyport dbt list` lists."""
    return sorted(line for line in sallyport(folder, "list", "--quiet", "--no-write-json", *words).splitlines() if line)
