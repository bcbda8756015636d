"""Runs one project with real dbt and with Sallyport, each in a database of its own, and compares what came of every step.

A project's `scenario.py` lists the steps in `STEPS`: commands of dbt, SQL that changes what the sources hold, and edits of files.
After each command these must be the same on both sides: the exit code, every entry of run_results.json and of manifest.json, the
relations with their columns, comments, indexes, grants and rows, the statements of each connection in their order, the files that
were compiled and run, which other files stand in the target folder, and the documents about semantic models. Times and names made
from times are put aside first.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import manifests
import stage as stage_module

PROJECTS = pathlib.Path(__file__).resolve().parent / "projects"
HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Command:
    """A command of dbt. `code` is the exit code both sides must have; `environment` is added to theirs."""

    words: tuple[str, ...]
    code: int = 0
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    # Compares statements of nodes; off where their order cannot be the same, such as with several threads.
    statements: bool = True

    def __str__(self) -> str:
        return "dbt " + " ".join(self.words)


@dataclasses.dataclass
class Sql:
    """Statements that both databases get."""

    text: str

    def __str__(self) -> str:
        return "sql " + " ".join(self.text.split())[:60]

    def apply(self, side: "Side"):
        side.postgres.execute(self.text, database=side.database)


@dataclasses.dataclass
class Edit:
    """A file of the project with a new text; None removes it."""

    path: str
    text: str | None

    def __str__(self) -> str:
        return f"edit {self.path}"

    def apply(self, side: "Side"):
        path = side.folder / self.path
        path.unlink(missing_ok=True) if self.text is None else path.write_text(self.text)


def dbt(*words: str, code: int = 0, statements: bool = True, **environment: str) -> Command:
    return Command(words, code, environment, statements)


# ----------------------------------------------------------------------------------------------------------------- two sides


class Side:
    """One of the two: a copy of the project, a database, and a way to run a command.

    `inside` is where the project lies in the folder that is copied, `profiles` the folder of its profile.
    """

    def __init__(self, name: str, project: pathlib.Path, folder: pathlib.Path, postgres, inside: str = ".",
                 profiles: pathlib.Path = PROJECTS):
        self.name = name
        self.postgres = postgres
        self.profiles = profiles
        # Of one length, since the carets under errors count it.
        self.database = f"{project.name}_{name[:3]}"
        shutil.copytree(project, folder / name, ignore=shutil.ignore_patterns("scenario.py", "__pycache__"))
        self.folder = folder / name / inside
        for package in sorted((self.folder / "local").glob("*")):  # as `dbt deps` would
            (self.folder / "dbt_packages").mkdir(exist_ok=True)
            (self.folder / "dbt_packages" / package.name).symlink_to(package)
        postgres.execute(f'drop database if exists "{self.database}"', database="postgres")
        postgres.execute(f'create database "{self.database}"', database="postgres")
        self.log = folder / f"{name}.log"
        self.read = postgres.log.stat().st_size

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DIFF_PORT": str(self.postgres.port), "DIFF_DATABASE": self.database,
            "DBT_ENV_SECRET_DIFF_PASSWORD": self.postgres.password, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.profiles)}

    def run(self, command: Command) -> int:
        raise NotImplementedError

    def close(self) -> None:
        pass

    # What a command left behind.

    def results(self) -> dict:
        path = self.folder / "target" / "run_results.json"
        return json.loads(path.read_text()) if path.exists() else {"results": []}

    def forget(self) -> None:
        (self.folder / "target" / "run_results.json").unlink(missing_ok=True)
        for name in ("compiled", "run"):
            shutil.rmtree(self.folder / "target" / name, ignore_errors=True)
        self.read = self.postgres.log.stat().st_size

    def plain(self, text: str) -> str:
        """The text with what must differ made equal."""
        text = text.replace(self.database, "DATABASE")
        text = re.sub(r"__dbt_tmp(_[0-9T]+)?\d{12,20}", r"__dbt_tmp\1#", text)
        text = re.sub(r"\b[0-9a-f]{32}\b", "MD5", text)
        return text

    def files(self) -> dict[str, str]:
        found = {}
        for kind in ("compiled", "run"):
            base = self.folder / "target" / kind
            for path in sorted(base.rglob("*")):
                if path.is_file():
                    found[f"{kind}/{path.relative_to(base)}"] = self.plain(path.read_text())
        return found


    def artifacts(self) -> dict:
        """The names of the files at the top of the target folder, and what those without times hold."""
        target = self.folder / "target"
        found: dict = {"names": sorted(path.name for path in target.glob("*") if path.name not in UNWRITTEN)}
        for name in ("semantic_manifest.json", "osi_document.json"):
            if (target / name).exists():
                found[name] = json.loads(self.plain((target / name).read_text()))
        return found


# What README says is not written, and the two sides' own memories of parsing.
UNWRITTEN = {"graph.gpickle", "index.html", "perf_info.json", "partial_parse.msgpack", "partial_parse.json"}


class Dbt(Side):
    """Real dbt, in a process that stays for the whole scenario."""

    def __init__(self, *words, **options):
        super().__init__("dbt", *words, **options)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "oracle.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=open(self.log, "a"), env=os.environ | self.environment)

    def run(self, command: Command) -> int:
        order = {
            "folder": str(self.folder), "arguments": ["--no-use-colors", *command.words], "log": str(self.log),
            "environment": command.environment}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["code"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)


class Sallyport(Side):
    def __init__(self, *words, **options):
        super().__init__("sallyport", *words, **options)

    def run(self, command: Command) -> int:
        environment = os.environ | self.environment | command.environment | {"SALLYPORT_MACROS": str(stage_module.MACROS)}
        with open(self.log, "a") as log:
            done = subprocess.run(
                [stage_module.BINARY, "dbt", "--no-use-colors", *command.words], cwd=self.folder, env=environment, stdout=log,
                stderr=subprocess.STDOUT, timeout=900)
        return done.returncode


# ---------------------------------------------------------------------------------------------------------------- comparing

ENTRY = re.compile(r"^(\d+)\|([^|]*)\| LOG:  (?:statement|execute [^:]*): ", re.MULTILINE)
COMMENT = re.compile(r"^/\* (\{.*?\}) \*/\s*", re.DOTALL)
OTHER = re.compile(r"^\d+\|[^|]*\| ", re.MULTILINE)


def statements(side: Side) -> dict[str, list[list[str]]]:
    """The statements of each connection since the command began, by the node that the connection was for."""
    with open(side.postgres.log, "rb") as log:
        log.seek(side.read)
        text = log.read().decode(errors="replace")
    connections: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    starts = list(ENTRY.finditer(text))
    for place, match in enumerate(starts):
        if match[2] != side.database:
            continue
        rest = text[match.end():]
        following = OTHER.search(rest)
        body = rest[: following.start()] if following else rest
        comment = COMMENT.match(body)
        if comment:
            told = json.loads(comment[1])
            owners.setdefault(match[1], told.get("node_id") or told["connection_name"])
            body = body[comment.end():]
        connections.setdefault(match[1], []).append(" ".join(side.plain(body).split()))
    found: dict[str, list[list[str]]] = {}
    for pid, lines in connections.items():
        owner = side.plain(owners.get(pid, "?"))
        if owner == "master":  # dbt has one such connection, we have one for the cache and one for hooks of each kind
            found.setdefault(owner, [[]])[0].extend(line for line in lines if line not in ("BEGIN", "COMMIT", "ROLLBACK"))
            continue
        if lines[-1] == "ROLLBACK":  # the server rolls back what a closed connection leaves open
            lines.pop()
        # dbt clears the transaction of a connection for project hooks even when there are none, and asks for the schemas of a
        # database once for each schema that it needs.
        if (owner == "?" and set(lines) <= {"BEGIN", "COMMIT"}) or (owner.startswith("list_") and lines in found.get(owner, [])):
            continue
        found.setdefault(owner, []).append(lines)
    return found


def entries(side: Side, results: dict) -> dict[str, dict]:
    """The entries of run_results.json by node, without times."""
    found = {}
    for entry in results["results"]:
        entry = dict(entry)
        entry["timing"] = [step["name"] for step in entry["timing"]]
        for name in ("execution_time", "thread_id"):
            entry.pop(name)
        for name in ("message", "compiled_code", "relation_name"):
            if entry[name] is not None:
                entry[name] = side.plain(str(entry[name]))
        entry["adapter_response"] = {key: side.plain(str(value)) for key, value in entry["adapter_response"].items()}
        found[entry.pop("unique_id")] = entry
    return found


def arguments(side: Side) -> dict:
    """What the command was given, as run_results.json tells."""
    text = json.dumps(side.results().get("args", {})).replace(str(side.folder), "FOLDER")
    return {name: value for name, value in json.loads(side.plain(text)).items() if name != "invocation_command"}


def order(side: Side, command: Command) -> list[str]:
    """The unique ids of the results in their order, where dbt has one: with one thread.

    What a failed hook skips as a whole, and the unit tests of one model, come in the order of a Python set; a unit test that is
    skipped may overtake the result before it, which another thread of dbt notes.
    """
    results = side.results()["results"]
    if "--threads" in command.words or all(
            entry["status"] == "skipped" for entry in results if not entry["unique_id"].startswith("operation.")):
        return []
    found: list[str] = []
    kept = (
        entry["unique_id"] for entry in results
        if entry["status"] != "skipped" or not entry["unique_id"].startswith("unit_test."))
    for is_unit, ids in itertools.groupby(kept, lambda name: name.startswith("unit_test.")):
        found += sorted(ids) if is_unit else ids
    return found


# dbt's static parser keeps these as a set.
SETS = ("sources", "refs")


def manifest(side: Side) -> dict[str, dict]:
    """Every node, macro and so on of the last manifest.json, by section and unique id; empty before there is one."""
    path = side.folder / "target" / "manifest.json"
    document = json.loads(path.read_text()) if path.exists() else {}
    found = {}
    for section, members in document.items():
        if isinstance(members, dict) and section not in ("metadata", "docs", "parent_map", "child_map", "group_map", "selectors"):
            for name, member in members.items():
                entry = manifests.settled(member)
                if section == "disabled":  # dbt finds files in the order of the file system
                    entry = sorted(entry, key=lambda disabled: disabled["original_file_path"])
                found[f"{section}:{name}"] = {
                    key: sorted(value, key=str) if key in SETS and isinstance(value, list) else value for key, value in entry.items()
                } if isinstance(entry, dict) else entry
    return found


def plain(side: Side, value):
    """A tree with what must differ in its texts made equal."""
    if isinstance(value, dict):
        return {key: plain(side, entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(side, entry) for entry in value]
    return side.plain(value) if isinstance(value, str) else value


def contents(side: Side, volatile: dict[str, set[str]]) -> dict[str, dict]:
    """Every relation and function: kind, owner's grants, comments, columns, indexes, constraints and rows."""
    run = lambda sql: side.postgres.execute(sql, database=side.database)  # noqa: E731
    found = {}
    for schema, name, kind, comment, grants in run(
            "select n.nspname, c.relname, c.relkind::text, obj_description(c.oid, 'pg_class'), c.relacl::text from pg_class c join "
            "pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^(pg_|information_schema)' and c.relkind in "
            "('r', 'v', 'm', 'p') order by 1, 2"):
        place = f'"{schema}"."{name}"'
        columns = run(
            "select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum) from "
            f"pg_attribute a where a.attrelid = '{place}'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum")
        indexes = run(f"select regexp_replace(pg_get_indexdef(indexrelid), 'INDEX \\S+ ON', 'INDEX ON') from pg_index where indrelid = '{place}'::regclass")
        constraints = run(f"select contype::text, pg_get_constraintdef(oid) from pg_constraint where conrelid = '{place}'::regclass order by 1, 2")
        hidden = volatile.get(f"{schema}.{name}", set()) | volatile.get("*", set())
        picked = ", ".join(
            f'("{column}" is null)' if column in hidden else f'"{column}"' for column, *_ in columns) or "1"
        found[f"{schema}.{name}"] = {
            "kind": kind, "comment": comment, "grants": sorted((grants or "").strip("{}").split(",")), "columns": columns,
            "indexes": sorted(indexes), "constraints": constraints, "rows": rows(run, f"select {picked} from {place}")}
        if kind in "vm":
            (definition,), = run(f"select pg_get_viewdef('{place}'::regclass)")
            found[f"{schema}.{name}"]["definition"] = side.plain(definition)
    for schema, name, arguments, body in run(
            "select n.nspname, p.proname, pg_get_function_arguments(p.oid), p.prosrc from pg_proc p join pg_namespace n on n.oid = "
            "p.pronamespace where n.nspname !~ '^(pg_|information_schema)'"):
        found[f"{schema}.{name}({arguments})"] = {"kind": "function", "body": " ".join(body.split())}
    return found


def rows(run, sql: str) -> list:
    try:
        return sorted(run(sql), key=repr)
    except Exception as error:  # a view whose query cannot work
        return [str(error)]


def difference(theirs, ours, path: str = "") -> list[str]:
    """Where two trees differ, a line each: dbt's value and Sallyport's."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        lines = []
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            if key not in ours:
                lines.append(f"{path}/{key}: only dbt has it: {str(theirs[key])[:300]}")
            elif key not in theirs:
                lines.append(f"{path}/{key}: only Sallyport has it: {str(ours[key])[:300]}")
            else:
                lines += difference(theirs[key], ours[key], f"{path}/{key}")
        return lines
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours) and not all(isinstance(line, str) for line in theirs):
        return [line for index, pair in enumerate(zip(theirs, ours)) for line in difference(*pair, f"{path}[{index}]")]
    if theirs == ours:
        return []
    if isinstance(theirs, list) and all(isinstance(line, str) for line in theirs + ours):
        return [f"{path}:{changed(theirs, ours)}"]
    if isinstance(theirs, str) and isinstance(ours, str) and "\n" in theirs + ours:
        return [f"{path}:{changed(theirs.split(chr(10)), ours.split(chr(10)))}"]
    return [f"{path}:\n    dbt:       {str(theirs)[:1500]}\n    sallyport: {str(ours)[:1500]}"]


def changed(theirs: list[str], ours: list[str]) -> str:
    """The lines that only one of them has, those of dbt with a minus."""
    lines = [line for line in difflib.unified_diff(theirs, ours, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
    return "".join(f"\n      {line[:700]}" for line in lines)


def differences(command: Command, codes: tuple[int, int], dbt_side: Side, our_side: Side, volatile) -> list[str]:
    """Everything that came out differently for one command."""
    sides = (dbt_side, our_side)
    found = []
    if codes != (command.code, command.code):
        found.append(f"exit codes: dbt {codes[0]}, sallyport {codes[1]}, expected {command.code}")
    sent = [statements(side) for side in sides]
    found += difference(*(entries(side, side.results()) for side in sides), "results")
    found += difference(*(order(side, command) for side in sides), "order")
    found += difference(*(arguments(side) for side in sides), "args")
    found += difference(*(plain(side, manifest(side)) for side in sides), "manifest")
    found += difference(*(contents(side, volatile) for side in sides), "database")
    found += difference(*(side.files() for side in sides), "files")
    found += difference(*(side.artifacts() for side in sides), "artifacts")
    if command.statements:
        found += difference(*sent, "statements")
    return found
