"""Renders templates with Python's jinja2 and writes one JSON object per template: what the Swift engine must do too.

Usage: oracle.py SUITE SEED COUNT RATE, where SUITE is a folder of hand-written templates beside this file: `jinja` (the
language) or `modules` (what dbt adds: Python's modules, zip, tojson …). A line is a template; a line break in it stands as
U+23CE; a file may begin with `// mode: native` (dbt's native environment, the repr of the value is compared) or
`// mode: absorbing` (parse time, with dbt's undefined). For `jinja` more are generated (generate.py): COUNT random programs
and as many random expressions from SEED, and the part RATE of some thousand products. The environments are dbt's own:
sandboxed, with `do` and loop controls, except that macros keep their names in the text mode.
"""

import datetime
import decimal
import itertools
import json
import os
import pathlib
import random
import sys
import warnings

import jinja2
import jinja2.sandbox
import pytz
from dbt_common.clients import jinja as dbt_jinja
from dbt_common.exceptions import CompilationError

import generate

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).resolve().parent
TEXT = jinja2.sandbox.SandboxedEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
TEXT.filters.update(dbt_jinja.TEXT_FILTERS)
NATIVE = dbt_jinja.get_environment(None, native=True)
ABSORBING = dbt_jinja.get_environment(None, capture_macros=True)


def values():
    return {
        "n": 5,
        "z": 0,
        "neg": -7,
        "f": 2.5,
        "s": "Hello World",
        "t": "the quick brown fox",
        "u": "Größe → ß",
        "e": "",
        "yes": True,
        "no": False,
        "nil": None,
        "inf": float("inf"),
        "nan": float("nan"),
        "l": [3, 1, 2],
        "w": ["b", "A", "c", "a"],
        "d": {"a": 1, "b": [1, 2], "items": "x", "_p": 3},
        "users": [
            {"name": "ann", "age": 31, "city": {"name": "Oslo"}, "active": True},
            {"name": "Bob", "age": 25, "city": {"name": "Rome"}, "active": False},
            {"name": "cid", "age": 31, "city": {"name": "oslo"}, "active": True},
        ],
        "decimal": decimal.Decimal,
        "set": set,
        "zip": lambda *a: zip(*a),
    }


def dbt_values():
    """What dbt's base context has, with a fixed start of the run."""
    from argparse import Namespace

    from dbt import flags
    from dbt.context.base import BaseContext

    flags.set_from_args(Namespace(), {})
    context = BaseContext({}).to_dict()
    wanted = ["modules", "set", "set_strict", "zip", "zip_strict", "tojson", "fromjson", "toyaml", "fromyaml", "local_md5", "dbt_version"]
    result = {name: context[name] for name in wanted}
    result["run_started_at"] = datetime.datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=pytz.utc)
    result["var"] = result["env_var"] = lambda *a: ""
    return result


def outcome(source, mode, context):
    try:
        if mode == "native":
            return {"text": repr(NATIVE.from_string(source).render(context))}
        environment = ABSORBING if mode == "absorbing" else TEXT
        return {"text": environment.from_string(source).render(context)}
    except (RecursionError, MemoryError) as error:
        return {"error": "limit", "message": str(error)[:300]}
    except CompilationError as error:  # dbt's own, whatever its subclass
        return {"error": "CompilationError", "message": str(error)[:300]}
    except Exception as error:  # every class is an answer
        return {"error": type(error).__name__, "message": str(error)[:300]}


def handwritten(suite):
    for path in sorted((HERE / suite).glob("*.txt")):
        lines = path.read_text(encoding="utf-8").split("\n")
        mode = lines[0].removeprefix("// mode: ") if lines[0].startswith("// mode: ") else "text"
        for line in lines:
            if line and not line.startswith("//"):
                yield path.stem, mode, line.replace("\u23ce", "\n")


def sampled(generator, rate, seed):
    choice = random.Random(seed)
    for source in generator():
        if choice.random() < rate:
            yield generator.__name__, "text", source


def generated(seed, count, rate):
    products = [
        generate.operators, generate.methods, generate.formats, generate.filters, generate.tests, generate.slices,
    ]
    yield from itertools.chain(
        *(sampled(generator, rate, seed) for generator in products),
        (("programs", "text", source) for source in generate.programs(seed, count)),
        (("expressions", "text", source) for source in generate.expressions(seed, count)),
    )


def main():
    suite, seed, count, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    output, sys.stdout = sys.stdout, open(os.devnull, "w")  # dbt prints its warnings
    make = values if suite == "jinja" else dbt_values
    sources = handwritten(suite)
    if suite == "jinja":
        sources = itertools.chain(sources, generated(seed, count, rate))
    for group, mode, source in sources:
        print(json.dumps({"group": group, "mode": mode, "source": source, **outcome(source, mode, make())}), file=output)


if __name__ == "__main__":
    main()
