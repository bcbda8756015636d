"""Runs the projects of packages with dbt and with Sallyport, and prints what is equal: parsed nodes, results, relations, files."""

from __future__ import annotations

import argparse
import collections
import pathlib
import re
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Differential"), str(HERE.parent / "Integration")]

import checkouts  # noqa: E402
import compare  # noqa: E402
import stage as stage_module  # noqa: E402
from packages import PACKAGES, Package  # noqa: E402

PARSE = compare.dbt("parse", "--no-partial-parse")


# Differences that are told of one thing.
MOST = 6


class Count:
    """How many things of a kind are equal and how many differ, and the lines that say where."""

    def __init__(self):
        self.equal: collections.Counter = collections.Counter()
        self.different: collections.Counter = collections.Counter()
        self.lines: list[str] = []

    def add(self, kind: str, theirs: dict, ours: dict, where: str):
        """Compares by name."""
        for name in [*theirs, *(name for name in ours if name not in theirs)]:
            found = compare.difference(
                {name: theirs[name]} if name in theirs else {}, {name: ours[name]} if name in ours else {}, where)
            (self.different if found else self.equal)[kind] += 1
            self.lines += found[:MOST] + ([f"{where}/{name}: {len(found) - MOST} more"] if len(found) > MOST else [])

    def row(self) -> str:
        kinds = dict.fromkeys([*self.equal, *self.different])
        return ", ".join(f"{kind} {self.equal[kind]} equal / {self.different[kind]} different" for kind in kinds)


def settle(value, side: compare.Side, plain: dict[str, str]):
    """A tree whose texts have nothing in them that must differ."""
    if isinstance(value, dict):
        return {settle(key, side, plain): settle(entry, side, plain) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [settle(entry, side, plain) for entry in value]
    if isinstance(value, str):
        value = value.replace(str(side.folder), "PROJECT").replace(side.database, "DATABASE").replace(side.database.upper(), "DATABASE")
        for pattern, stand_in in plain.items():
            value = re.sub(pattern, stand_in, value)
    return value


def compared(package: Package, folder: pathlib.Path, tree: pathlib.Path, postgres, profiles: pathlib.Path) -> Count:
    inside = f"{package.name}/{package.project}"
    sides = [kind(tree, folder, postgres, inside=inside, profiles=profiles) for kind in (compare.Dbt, compare.Sallyport)]
    count = Count()
    try:
        for step in package.steps:
            started = time.monotonic()
            if not isinstance(step, compare.Command):
                for side in sides:
                    step.apply(side)
            else:
                run(package, step, sides, count)
            if step.__class__ is compare.Command and "deps" in step.words:
                parse(package, sides, count)
            print(f"{package.name}: {step} ({time.monotonic() - started:.0f} s)", flush=True)
    finally:
        for side in sides:
            side.close()
    return count


def parse(package: Package, sides, count: Count):
    codes = [side.run(PARSE) for side in sides]
    count.add("commands", {str(PARSE): 0}, {str(PARSE): 0 if codes == [0, 0] else codes}, "parse")
    if codes == [0, 0]:
        parsed = [settle(compare.manifest(side), side, package.plain) for side in sides]
        tests = [sum(name.startswith("nodes:test.") for name in members) for members in parsed]
        print(f"{package.name}: parsed tests: dbt {tests[0]}, sallyport {tests[1]}")
        count.add("parsed", *parsed, "manifest")


def relations(side: compare.Side, package: Package) -> dict[str, dict]:
    found = settle(compare.contents(side, package.volatile), side, package.plain)
    for members in found.values():
        members["rows"] = sorted(members.get("rows", []), key=repr)
    return found


def run(package: Package, step: compare.Command, sides, count: Count):
    for side in sides:
        side.forget()
    codes = [side.run(step) for side in sides]
    count.add("commands", {str(step): codes[0]}, {str(step): codes[1]}, "exit code")
    if "deps" in step.words:
        return
    results = [settle(compare.entries(side, side.results()), side, package.plain) for side in sides]
    states = collections.Counter(entry["status"] for entry in results[0].values())
    print(f"{package.name}: dbt's results: {', '.join(f'{number} {state}' for state, number in sorted(states.items()))}")
    certain = [{name: entry for name, entry in side.items() if not any(re.search(text, name) for text in package.chance)} for side in results]
    count.add("results", *certain, str(step))
    count.add("manifest", *(settle(compare.manifest(side), side, package.plain) for side in sides), f"{step}, manifest")
    count.add("relations", *(relations(side, package) for side in sides), f"{step}, database")
    count.add("files", *(settle(side.files(), side, package.plain) for side in sides), f"{step}, files")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", type=pathlib.Path, help="a folder of checkouts, each named after its package")
    parser.add_argument("packages", nargs="*", help="only these")
    parser.add_argument("--keep", type=pathlib.Path, help="an empty folder for the copies and logs, which stays")
    parser.add_argument("--lines", type=int, default=60, help="how many differences of a package are printed")
    options = parser.parse_args()
    chosen = [package for package in PACKAGES if package.name in options.packages] if options.packages else [
        package for package in PACKAGES if all((options.checkouts / name).is_dir() for name in (package.name, *package.needs))]
    if not options.packages:
        absent = {package.name for package in PACKAGES} - {package.name for package in chosen}
        print(f"not run, since the folder has no checkout of them or of what they need: {', '.join(sorted(absent)) or 'none'}")
    if not chosen:
        parser.error(f"{options.checkouts} holds no checkout of a known package")
    if unknown := {*options.packages} - {package.name for package in chosen}:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(package.name for package in PACKAGES)}")
    if not stage_module.BINARY.exists():
        parser.error(f"{stage_module.BINARY} is missing: run `make release`, or set SALLYPORT_BINARY")
    folder = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="sallyport-packages-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    # Statistics that come in the middle of a run change plans, and so the order of rows that nothing orders: which five of thirty
    # equal rows `limit 5` keeps.
    postgres = stage_module.Postgres(folder, ("max_connections=200", "autovacuum=off"))
    rows, failed = [], False
    try:
        for package in chosen:
            tree = checkouts.place(package, options.checkouts, folder / "checkouts")
            sides = folder / package.name
            sides.mkdir()
            profiles = checkouts.profiles(sides / "profiles", package.threads)
            count = compared(package, sides, tree, postgres, profiles)
            rows.append(f"{package.name}: {count.row()}")
            failed = failed or bool(count.lines)
            print("\n".join(count.lines[: options.lines]), flush=True)
            if len(count.lines) > options.lines:
                print(f"... and {len(count.lines) - options.lines} more")
    finally:
        postgres.stop()
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(["", *rows]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
