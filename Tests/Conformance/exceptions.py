"""Tests of the public suite that our executable cannot pass, each with its reason.

A test that is listed and passes after all fails the run, so the table cannot rot. Tests/README.md shows the same table;
`python exceptions.py` prints it, `--check` compares.
"""

from __future__ import annotations

import os
import pathlib
import sys

# By `module::Class::function`, as the summary and `name_of` have it; a prefix covers everything below it.
IN_PROCESS = "looks into the Python adapter's own relation cache; ours lives in another process and ends with it"
PATCHED = "replaces a function inside of dbt's Python code and counts its calls"
IN_MEMORY = "reads fixtures from the manifest that dbt's Python keeps in memory; manifest.json has none"
LATER = "wants macros of a later dbt-adapters than the one in use; dbt itself fails it"
NETWORK = "clones a repository from github.com, which dbt cannot do without a network either; passes where DBT_INTEGRATION_PROJECT names a copy"

# May pass, where there is a network.
UNSTEADY = {NETWORK}

TABLE: dict[str, str] = {
    "compile::test_compile::TestCompile::test_compile_inline_ref_node_not_exist": PATCHED,
    "compile::test_compile::TestCompile::test_compile_inline_syntax_error": PATCHED,
    "caching::CachingLowercaseModel": IN_PROCESS,
    "caching::CachingUppercaseModel": IN_PROCESS,
    "caching::CachingSelectedSchemaOnly": IN_PROCESS,
    "caching::NoPopulateCache": IN_PROCESS,
    "exit_codes::test_exit_codes::TestExitCodesDeps": NETWORK,
    "exit_codes::test_exit_codes::TestExitCodesDepsFail": NETWORK,
    "incremental_schema_tests::test_empty_source_columns::TestEmptySourceColumnsAppendNewColumnsWarnError": LATER,
    "incremental_schema_tests::test_empty_source_columns::TestEmptySourceColumnsAppendNewColumnsWarns": LATER,
    "incremental_schema_tests::test_empty_source_columns::TestEmptySourceColumnsFailRaises": LATER,
    "incremental_schema_tests::test_empty_source_columns::TestEmptySourceColumnsRaises": LATER,
    "macros::test_macros::TestMacros::test_working_macros": NETWORK,
    "unit_testing::test_csv_fixtures::TestUnitTestsWithFileCSV": IN_MEMORY,
}


def reason(name: str) -> str | None:
    """Why a test is excepted; None for one that must pass."""
    bare = name.partition("[")[0]
    for prefix, text in TABLE.items():
        if name == prefix or bare == prefix or bare.startswith(prefix + "::"):
            return None if text == NETWORK and os.environ.get("DBT_INTEGRATION_PROJECT") else text
    return None


def markdown() -> str:
    rows = [f"| `{name}` | {text} |" for name, text in sorted(TABLE.items())]
    return "\n".join(["| test | why it is excepted |", "|---|---|", *rows])


BEGIN, END = "<!-- begin: Conformance/exceptions.py -->\n", "\n<!-- end: Conformance/exceptions.py -->"


def main() -> int:
    page = pathlib.Path(__file__).resolve().parents[1] / "README.md"
    if "--check" not in sys.argv:
        print(markdown())
        return 0
    held = page.read_text().partition(BEGIN)[2].partition(END)[0]
    if held != markdown():
        print("Tests/README.md: the table of exceptions differs from Tests/Conformance/exceptions.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
