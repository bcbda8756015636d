"""Stands in for dbt's in-process runner: each call starts our executable and answers with dbt's own result objects."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import pathlib
import subprocess
import sys

import click
from dbt.cli.main import cli, dbtRunnerResult
from dbt_common.events.functions import get_capture_stream

import complaints
import event_lines
import outcomes
import suite_adapter

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Tests change the folder.
STARTED_IN = pathlib.Path.cwd()


def binary() -> pathlib.Path:
    """SALLYPORT_BINARY, else the release build, else the debug build."""
    named = os.environ.get("SALLYPORT_BINARY")
    if named:
        return STARTED_IN / named
    release = ROOT / ".build" / "release" / "sallyport"
    return release if release.exists() else ROOT / ".build" / "debug" / "sallyport"


@dataclasses.dataclass
class CommandLine:
    """What dbt's own parser makes of the arguments."""

    command: str
    params: dict

    @classmethod
    def parse(cls, args: list[str]) -> CommandLine | None:
        """None for what dbt's parser refuses, and for `--help` or `--version`."""
        try:
            context = cli.make_context(cli.name, list(args))
            params = dict(context.params)
            rest = [*context._protected_args, *context.args]
            group, words = cli, []
            while isinstance(group, click.Group):
                name, group, rest = group.resolve_command(context, rest)
                words.append(name)
                context = group.make_context(name, rest, parent=context)
                given = {
                    key: value for key, value in context.params.items()
                    if key not in params
                    or context.get_parameter_source(key) != click.core.ParameterSource.DEFAULT}
                params.update(given)
                rest = [*context._protected_args, *context.args]
            return cls(" ".join(words), params)
        except (click.exceptions.ClickException, click.exceptions.Exit, TypeError):
            return None

    @property
    def project(self) -> pathlib.Path:
        return pathlib.Path(self.params.get("project_dir") or ".").resolve()

    @property
    def target(self) -> pathlib.Path:
        """The folder of artifacts."""
        folder = self.params.get("target_path") or outcomes.project_setting(self.project, "target-path") or "target"
        return self.project / folder

    @property
    def log_file(self) -> pathlib.Path:
        return pathlib.Path(self.params.get("log_path") or self.project / "logs") / "dbt.log"


class SallyportRunner:
    """Has the constructor and the method of `dbt.cli.main.dbtRunner`."""

    def __init__(self, manifest=None, callbacks=None):
        self.manifest = manifest
        self.callbacks = callbacks or []

    def invoke(self, args, **options) -> dbtRunnerResult:
        """Never raises: failures are in the result, as dbt's runner has them."""
        words = [str(word) for word in args]
        for name, value in options.items():
            words += option(name, value)
        line = CommandLine.parse(words)
        answer = Execution(words, line, wants_events=bool(self.callbacks))
        for callback in self.callbacks:
            for event in answer.events:
                callback(event)
        try:
            result = answer.result()
        except Exception as error:  # what cannot be read back is a failure of the test, not of the harness
            return dbtRunnerResult(success=False, exception=error)
        finally:
            suite_adapter.renew(line.params if line else {})
        return result


def option(name: str, value) -> list[str]:
    """A keyword of `invoke` as the command line has it."""
    flag = "--" + name.replace("_", "-")
    if value is True:
        return [flag]
    if value is False or value is None:
        return ["--no-" + name.replace("_", "-")]
    if isinstance(value, dict):
        import json

        return [flag, json.dumps(value)]
    if isinstance(value, (list, tuple)):
        return [flag, *map(str, value)]
    return [flag, str(value)]


class Execution:
    """One run of the executable, already over."""

    def __init__(self, words: list[str], line: CommandLine | None, wants_events: bool):
        self.line = line
        environment = dict(os.environ)
        environment.setdefault("SALLYPORT_MACROS", str(ROOT / ".cache" / "macros"))
        frozen = frozen_time()
        if frozen:
            environment["SALLYPORT_NOW"] = frozen
        # What `ls` lists stands among warnings of several lines.
        wants_events = wants_events or (line is not None and line.command in ("list", "ls"))
        if wants_events:
            environment["DBT_LOG_FORMAT_FILE"] = "json"
        log = event_lines.Tail(line.log_file) if line and wants_events else None
        before = outcomes.stamps(line.target) if line else {}
        process = subprocess.run(
            [str(binary()), "dbt", *words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace")
        self.code = process.returncode
        self.output = process.stdout
        self.complaint = process.stderr
        self.events = log.read() if log else []
        self.fresh = outcomes.fresh(line.target, before) if line else set()
        sys.stdout.write(self.output)
        sys.stderr.write(self.complaint)
        stream = get_capture_stream()
        if stream is not None:
            stream.write(self.output)

    def result(self) -> dbtRunnerResult:
        if self.line is None:
            if self.code == 0:
                return dbtRunnerResult(success=True)
            return dbtRunnerResult(success=False, exception=complaints.read(self.output, self.complaint))
        if self.code not in (0, 1):
            return dbtRunnerResult(success=False, exception=complaints.read(self.output, self.complaint))
        value = outcomes.read(self.line, self.output, self.events, self.fresh, succeeded=self.code == 0)
        return dbtRunnerResult(success=self.code == 0, result=value)


def frozen_time() -> str | None:
    """The moment that a test holds the clock at, by freezegun or by dbt's own seam for microbatches."""
    held = outcomes.held_microbatch_end()
    if held:
        return held
    with contextlib.suppress(ImportError):
        import freezegun.api

        if isinstance(datetime.datetime.now(), freezegun.api.FakeDatetime):
            return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return None
