"""Real dbt as a process that stays: one JSON object a line on standard input, one answer a line on standard output.

Starting dbt takes longer than most of its commands, so that each project of the comparison pays for it once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # What dbt prints must not get between the answers.
    os.dup2(2, 1)
    from dbt.cli.main import dbtRunner

    for line in sys.stdin:
        order = json.loads(line)
        os.chdir(order["folder"])
        os.environ.update(order.get("environment", {}))
        with open(order["log"], "a") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            outcome = dbtRunner().invoke(order["arguments"])
        code = 0 if outcome.success else 1 if outcome.exception is None else 2
        answers.write(json.dumps({"code": code, "exception": str(outcome.exception or "")}) + "\n")


if __name__ == "__main__":
    main()
