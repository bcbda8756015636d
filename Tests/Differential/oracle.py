"""Real dbt as a process that stays: one JSON object a line on standard input, one answer a line on standard output.

Starting dbt takes longer than most of its commands, so that each project of the comparison pays for it once.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # What dbt prints must not get between the answers.
    os.dup2(2, 1)
    from dbt.cli.main import dbtRunner

    first_come_first_served()
    for line in sys.stdin:
        order = json.loads(line)
        os.chdir(order["folder"])
        os.environ.update(order.get("environment", {}))
        with open(order["log"], "a") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            outcome = dbtRunner().invoke(order["arguments"])
        code = 0 if outcome.success else 1 if outcome.exception is None else 2
        answers.write(json.dumps({"code": code, "exception": str(outcome.exception or "")}) + "\n")


def first_come_first_served() -> None:
    """Takes a race out of dbt's queue: it hands over what becomes ready at once, by priority only as far as it lags behind."""
    from dbt.graph.queue import GraphQueue

    add, numbers = GraphQueue._find_new_additions, itertools.count()

    def add_in_order(queue, nodes) -> None:
        ready = sorted((node for node in nodes if queue.graph.in_degree(node) == 0), key=lambda node: (queue._scores[node], node))
        queue._scores.update(zip(ready, numbers))
        add(queue, ready)

    GraphQueue._find_new_additions = add_in_order


if __name__ == "__main__":
    main()
