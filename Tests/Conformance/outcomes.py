"""Artifacts and printed output of an execution as the result objects of dbt's runner."""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import types
from unittest import mock

import agate
import yaml
from dbt.artifacts.schemas.batch_results import BatchResults
from dbt.artifacts.schemas.catalog import CatalogArtifact
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.artifacts.schemas.overload_results import OverloadResults
from dbt.artifacts.schemas.results import FreshnessStatus, RunStatus, TestStatus, TimingInfo
from dbt.artifacts.schemas.run import RunExecutionResult, RunResult
from dbt.contracts.graph.manifest import Manifest
from dbt.materializations.incremental.microbatch import MicrobatchBuilder

WITHOUT_RESULT = {"clean", "deps", "init"}
STAMPED = re.compile(r"^(\x1b\[\d+m)*\d\d:\d\d:\d\d(\.\d+)? ")


def stamps(folder: pathlib.Path) -> dict:
    """When each artifact was written, to tell later whether it was written again."""
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.glob("*.json")}


def fresh(folder: pathlib.Path, before: dict) -> set[str]:
    return {name for name, stamp in stamps(folder).items() if before.get(name) != stamp}


def project_setting(folder: pathlib.Path, key: str):
    try:
        with open(folder / "dbt_project.yml", encoding="utf-8") as file:
            value = (yaml.safe_load(file) or {}).get(key)
    except (OSError, yaml.YAMLError, AttributeError):
        return None
    return value if isinstance(value, str) and "{" not in value else None


def held_microbatch_end() -> str | None:
    """The end that `patch_microbatch_end_time` gives to microbatches, if a test is inside of it."""
    end = MicrobatchBuilder.build_end_time
    if isinstance(end, mock.NonCallableMock) and isinstance(end.return_value, datetime.datetime):
        return end.return_value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return None


def read(line, output: str, events: list, written: set[str], succeeded: bool):
    """What `dbtRunner.invoke` would hand back for a command that ended with 0 or 1."""
    if line.command in WITHOUT_RESULT:
        return None
    if line.command == "debug":
        return succeeded
    if line.command in ("list", "ls"):
        found = [event.data.msg for event in events if event.info.name == "PrintEvent"]
        return found or listed(output)
    if line.command == "parse":
        return manifest(line.target, whole=True)
    if line.command == "docs generate":
        return catalog(line.target) if "catalog.json" in written else None
    if line.command in ("source freshness", "source snapshot-freshness"):
        name = pathlib.Path(line.params.get("output") or "sources.json")
        path = line.project / name if name.parent.parts else line.target / name
        if not path.exists() or (path.parent == line.target and path.name not in written):
            return RunExecutionResult(results=[], elapsed_time=0.0, args={})  # nothing was selected
        return freshness(path, line.target, output)
    if "run_results.json" not in written:
        # Nothing was selected, or the files were not wanted.
        return RunExecutionResult(results=[], elapsed_time=0.0, args={})
    return executed(line.target, tables(output) if line.command == "show" else {})


def listed(output: str) -> list[str]:
    """What `ls` lists, where there are no events: the lines without a stamp."""
    lines = []
    for text in output.splitlines():
        if text.startswith('{"data"') or text.startswith('{"info"'):
            event = json.loads(text)
            if event["info"]["name"] in ("ListCmdOut", "PrintEvent"):
                lines.append(event["data"]["msg"])
        elif text and not STAMPED.match(text):
            lines.append(text)
    return lines


def manifest(target: pathlib.Path, whole: bool = False) -> Manifest:
    data = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    if not whole:  # hundreds of macros that no result refers to
        data["macros"], data["docs"] = {}, {}
    return Manifest.from_writable_manifest(WritableManifest.upgrade_schema_version(data))


def catalog(target: pathlib.Path) -> CatalogArtifact:
    return CatalogArtifact.from_dict(json.loads((target / "catalog.json").read_text(encoding="utf-8")))


def executed(target: pathlib.Path, shown: dict[str, agate.Table]) -> RunExecutionResult:
    data = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    known = manifest(target)
    results = [result(entry, known, shown) for entry in data["results"]]
    return RunExecutionResult(results=results, elapsed_time=data["elapsed_time"], args=data["args"])


def result(entry: dict, known: Manifest, shown: dict[str, agate.Table]) -> RunResult:
    unique_id = entry["unique_id"]
    node = known.expect(unique_id) if has(known, unique_id) else unknown(entry)
    if entry.get("compiled"):
        node.compiled = True
        node.compiled_code = entry.get("compiled_code")
    is_test = unique_id.startswith(("test.", "unit_test.")) and entry["status"] != RunStatus.Success  # compiled, not run
    statuses = TestStatus if is_test else RunStatus
    batches, overloads = entry.get("batch_results"), entry.get("overload_results")
    return RunResult(
        status=statuses(entry["status"]), timing=[TimingInfo.from_dict(span) for span in entry["timing"]],
        thread_id=entry["thread_id"], execution_time=entry["execution_time"], message=entry["message"],
        failures=entry["failures"], adapter_response=entry["adapter_response"], node=node,
        agate_table=shown.get(node.name) or shown.get(""),
        batch_results=BatchResults.from_dict(batches) if batches else None,
        overload_results=OverloadResults.from_dict(overloads) if overloads else None)


def has(known: Manifest, unique_id: str) -> bool:
    return any(
        unique_id in found for found in (
            known.nodes, known.sources, known.exposures, known.metrics, known.semantic_models, known.saved_queries,
            known.unit_tests, known.functions))


def unknown(entry: dict):
    """The node of an inline query or of a macro's call, which no manifest holds."""
    kind, package, *rest = entry["unique_id"].split(".")
    return types.SimpleNamespace(
        unique_id=entry["unique_id"], resource_type=kind, package_name=package, name=".".join(rest), compiled=False,
        compiled_code=None, relation_name=entry.get("relation_name"), is_relational=False, config=None)


def freshness(path: pathlib.Path, target: pathlib.Path, output: str):
    """What was measured, from the artifact; what could not be, which the artifact leaves out, from the lines."""
    data = json.loads(path.read_text(encoding="utf-8"))
    known = manifest(target)
    results = []
    for entry in data["results"]:
        found = dict(entry, status=FreshnessStatus(entry["status"]), node=known.sources.get(entry["unique_id"]))
        found.setdefault("message", entry.get("error"))
        results.append(types.SimpleNamespace(**found))
    failed = set(re.findall(r" ERROR freshness of (\S+)", output))
    for unique_id, node in known.sources.items():
        if f"{node.source_name}.{node.name}" in failed:
            results.append(
                types.SimpleNamespace(
                    unique_id=unique_id, node=node, status=FreshnessStatus.RuntimeErr, message=None, timing=[], adapter_response={}))
    return RunExecutionResult(results=results, elapsed_time=data["elapsed_time"], args={})


def tables(output: str) -> dict[str, agate.Table]:
    """The previews that `show` printed, by the node's name; the empty name for an inline query."""
    found: dict[str, agate.Table] = {}
    lines = output.splitlines()
    for index, text in enumerate(lines):
        named = re.search(r"Previewing (?:inline node|node '(.*)'):$", text)
        if named:
            rows = []
            for row in lines[index + 1:]:
                if not row.startswith("|"):
                    break
                rows.append([cell.strip() for cell in row.strip("|").split("|")])
            if len(rows) >= 2:
                found[named[1] or ""] = agate.Table(rows[2:], rows[0])
    shown = re.search(r'^\{\n  "(node|show)":', output, re.MULTILINE)
    if shown:
        whole, _ = json.JSONDecoder().raw_decode(output[shown.start():])
        found[whole.get("node", "")] = agate.Table.from_object(whole["show"])
    return found
