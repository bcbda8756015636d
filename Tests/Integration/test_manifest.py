"""The manifest of a project equals dbt's in everything but times and places, and dbt's own classes read it."""

import json
import pathlib
import shutil
import subprocess
import tempfile

import atlas
import pytest
import stage as stage_module
from manifests import settled

READ = """
import sys
from dbt.artifacts.schemas.manifest import WritableManifest
manifest = WritableManifest.read_and_check_versions(sys.argv[1])
print(len(manifest.nodes), len(manifest.macros), len(manifest.unit_tests))
"""


def differences(ours, theirs, path: str = "") -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted({*ours, *theirs}):
            if key not in ours or key not in theirs:
                found.append(f"{path}.{key}: only {'dbt' if key in theirs else 'sallyport'} has it")
            else:
                found += differences(ours[key], theirs[key], f"{path}.{key}")
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for index, pair in enumerate(zip(ours, theirs)) for line in differences(*pair, f"{path}[{index}]")]
    return [] if ours == theirs else [f"{path}: ours {ours!r}, dbt's {theirs!r}"]


@pytest.fixture(scope="module", params=["atlas", "harbor"])
def manifests(request):
    root = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-manifest-"))
    variables = {"DBT_ENV_SECRET_HARBOR_PASSWORD": "x", "HARBOR_PORT": "5432"}
    if request.param == "atlas":
        folder = atlas.copy(root / "project")
    else:
        folder = pathlib.Path(shutil.copytree(stage_module.HARBOR, root / "project"))
    atlas.dbt(folder, "parse", "--no-partial-parse", target=root / "dbt", **variables)
    atlas.sallyport(folder, "parse", target=root / "own", **variables)
    yield root, *(json.loads((root / name / "manifest.json").read_text()) for name in ("own", "dbt"))
    shutil.rmtree(root, ignore_errors=True)


def test_every_section_is_equal(manifests):
    _, ours, theirs = manifests
    assert set(ours) == set(theirs)
    found = []
    for section in theirs:
        if section != "metadata":
            found += differences(settled(ours[section]), settled(theirs[section]), section)
    assert found == []


def test_metadata_has_the_same_fields_and_says_the_same_of_the_project(manifests):
    _, ours, theirs = manifests
    assert set(theirs["metadata"]) <= set(ours["metadata"])
    for key in ("dbt_schema_version", "dbt_version", "project_name", "project_id", "adapter_type", "quoting", "env"):
        assert ours["metadata"][key] == theirs["metadata"][key]


def test_dbt_reads_it(manifests):
    root, ours, _ = manifests
    done = subprocess.run([stage_module.VENV / "python", "-c", READ, root / "own" / "manifest.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(ours[section])) for section in ("nodes", "macros", "unit_tests")]


def test_dbt_compares_its_project_with_our_manifest(manifests):
    """Nothing changed between our manifest and the project, in dbt's own judgement."""
    root, _, _ = manifests
    words = ["ls", "--quiet", "--select", "state:modified", "state:new", "--state", str(root / "own")]
    listed = atlas.dbt(
        root / "project", *words, target=root / "dbt", DBT_ENV_SECRET_HARBOR_PASSWORD="x", HARBOR_PORT="5432")
    assert [line for line in listed.splitlines() if line and "No nodes selected" not in line and "WARN" not in line] == []
