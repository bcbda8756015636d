"""The 113 conformance and fault cases of the transport, and the tests that show them.

Every test names its cases at the start of its display name (Swift) or of its name (Python): `@Test("S9 a revoked …")`,
`def test_x5_…`. `cases.py` prints the table that Tests/README.md holds; `cases.py --check` fails when the two differ, when a
case has no test, or when one listed below as missing has a test after all.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent
GROUPS = {"S": 27, "H": 26, "G": 20, "R": 14, "P": 11, "X": 15}
CASES = [f"{group}{number}" for group, count in GROUPS.items() for number in range(1, count + 1)]
CASE = r"(?:[SHGRPX]\d{1,2})"

# Cases that no test shows, and why.
MISSING: dict[str, str] = {}


def shown():
    """(case, file, what) for every test, in the order of the files."""
    for path in sorted(ROOT.rglob("*.swift")):
        if ".build" in path.parts:
            continue
        for match in re.finditer(r'@Test\(\s*"((?:' + CASE + r'[,/ and]*)+)[ :]\s*((?:[^"\\]|\\.)*)"', path.read_text()):
            for case in re.findall(CASE, match.group(1)):
                yield case, path.relative_to(ROOT), match.group(2)
    for path in sorted(ROOT.glob("Integration/*.py")):
        text = path.read_text()
        for match in re.finditer(r"def test_((?:" + r"[shgrpx]\d{1,2}" + r"_)+)(\w+)\(", text):
            for case in re.findall(CASE, match.group(1).upper()):
                yield case, path.relative_to(ROOT), match.group(2).replace("_", " ")


def table() -> tuple[str, list[str]]:
    found: dict[str, list[tuple]] = {case: [] for case in CASES}
    for case, path, what in shown():
        if case in found and (path, what) not in found[case]:
            found[case].append((path, what))
    lines = ["| case | shown by | which proves |", "|---|---|---|"]
    faults = []
    for case, tests in found.items():
        if not tests:
            reason = MISSING.get(case)
            if reason is None:
                faults.append(f"{case} has no test")
            lines.append(f"| {case} | – | not shown: {reason} |")
        elif case in MISSING:
            faults.append(f"{case} is listed as missing and has a test")
        for index, (path, what) in enumerate(tests):
            lines.append(f"| {case if index == 0 else ''} | `{path}` | {what.replace('|', '/')} |")
    return "\n".join(lines), faults


def main() -> int:
    text, faults = table()
    if "--check" not in sys.argv:
        print(text)
        return 0
    if text not in (ROOT / "README.md").read_text():
        faults.append("the table in Tests/README.md is out of date: put the output of Tests/cases.py there")
    for fault in faults:
        print(f"cases: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
