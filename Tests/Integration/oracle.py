"""Real dbt in a process that stays, for tests that ask it many questions.

To start dbt takes longer than most of its commands. One process is shared by all tests of a session; it reads one JSON order a
line and answers with one JSON object a line. Each command gets the environment and the working folder of its order and nothing
else, and dbt resets what it keeps of a command when the next begins.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve()


class Oracle:
    """The tests' end. Orders are answered one after another."""

    def __init__(self):
        import stage

        self._process = subprocess.Popen(
            [stage.VENV / "python", HERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder: pathlib.Path, words: list[str], environment: dict[str, str]) -> tuple[int, str]:
        """A command's exit code, and all it printed."""
        answer = self._ask({"folder": str(folder), "words": words, "environment": environment})
        return answer["code"], answer["output"]

    def listings(self, requests: list[tuple[pathlib.Path, list[str]]], target: pathlib.Path, environment: dict[str, str]) -> list[list[str] | str]:
        """What `dbt ls` lists for each pair of a project and options, or `error: …`. Each project is parsed once."""
        entries = [{"folder": str(folder), "words": words} for folder, words in requests]
        return self._ask({"folder": "/", "listings": entries, "target": str(target), "environment": environment})["answers"]

    def close(self):
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _ask(self, order: dict) -> dict:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"dbt's process ended with {self._process.wait()} at {order}")
        return json.loads(answer)


@functools.cache
def shared() -> Oracle:
    """The session's process; it ends with the session."""
    process = Oracle()
    atexit.register(process.close)
    return process


# The process


def serve():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        answer = {"answers": list_all(order)} if "listings" in order else command(order["words"])
        answers.write(json.dumps(answer) + "\n")


def command(words: list[str]) -> dict:
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryFile() as file:
        kept = [(number, os.dup(number)) for number in (1, 2)]
        for number, _ in kept:
            os.dup2(file.fileno(), number)
        try:
            outcome = dbtRunner().invoke(words)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
        file.seek(0)
        output = file.read().decode()
    code = 0 if outcome.success else 1 if outcome.exception is None else 2
    return {"code": code, "output": output}


def list_all(order: dict) -> list[list[str] | str]:
    projects: dict[str, tuple] = {}
    answers = []
    for entry in order["listings"]:
        folder = entry["folder"]
        places = ["--project-dir", folder, "--profiles-dir", folder, "--target-path", order["target"], "--log-path", order["target"]]
        if folder not in projects:
            projects[folder] = parsed(places)
        answers.append(listed(*projects[folder], [*entry["words"], *places]))
    return answers


def parsed(places: list[str]) -> tuple:
    """The configuration and the manifest of a project."""
    from dbt.cli.main import cli

    context = cli.make_context(cli.name, ["parse", "--no-partial-parse", *places])
    context.obj = {"manifest": None, "callbacks": [], "dbt_runner_command_args": []}
    cli.invoke(context)
    return context.obj["runtime_config"], context.obj["manifest"]


def listed(config, manifest, words: list[str]) -> list[str] | str:
    """What the task behind `dbt ls` lists, without parsing anything again."""
    import dbt.task.runnable
    from dbt.cli.flags import Flags, args_to_context
    from dbt.flags import set_flags
    from dbt.task.list import ListTask
    from dbt_common.exceptions import DbtBaseException

    # The earlier manifests are only read.
    if not hasattr(dbt.task.runnable.PreviousState, "cache_info"):
        dbt.task.runnable.PreviousState = functools.cache(dbt.task.runnable.PreviousState)
    flags = Flags(args_to_context(["ls", "--quiet", *words]))
    set_flags(flags)
    config.args = flags
    try:
        return sorted(ListTask(flags, config, manifest).run())
    except DbtBaseException as error:
        return f"error: {error}"


if __name__ == "__main__":
    serve()
