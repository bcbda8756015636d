"""The command line beside dbt's own: the same words on the same project must print the same lines and end with the same code.

Times, durations and identifiers are replaced; colours are off. Lines about dbt itself that the engine does not have (partial
parsing, notices of versions) are left out on both sides.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess

import pytest

import conformance
import runner

pytestmark = [
    pytest.mark.module("command_line"), pytest.mark.fast,
    pytest.mark.skipif(conformance.DRIVES_DBT, reason="compares dbt with our executable"),
]

PROJECT = {
    "dbt_project.yml": """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
on-run-end: ["select 1"]
""",
    "profiles.yml": """
shop:
  target: dev
  outputs:
    dev:
      type: postgres
      host: localhost
      port: "{{ env_var('POSTGRES_TEST_PORT') | int }}"
      user: root
      pass: "{{ env_var('POSTGRES_TEST_PASS') }}"
      dbname: dbt
      schema: "command_line_{{ env_var('WHOSE') }}"
      threads: 1
""",
    "seeds/raw.csv": "id,name\n1,one\n2,two\n3,\n",
    "models/stage.sql": "select id, name from {{ ref('raw') }}",
    "models/final.sql": "{{ config(materialized='table') }} select *, 1.50 as price from {{ ref('stage') }}",
    "models/hidden.sql": "{{ config(materialized='ephemeral') }} select 1 as one",
    "models/broken.sql": "{{ config(tags=['broken']) }} select 1/0 as x, one from {{ ref('hidden') }}",
    "models/after.sql": "{{ config(tags=['broken'], materialized='table') }} select * from {{ ref('broken_table') }}",
    "models/broken_table.sql": "{{ config(tags=['broken'], materialized='table') }} select nothing from {{ ref('stage') }}",
    "models/schema.yml": """
models:
  - name: stage
    description: what was loaded
    columns:
      - name: id
        data_tests: [unique, not_null]
      - name: name
        data_tests:
          - not_null
          - accepted_values:
              arguments: {values: [one, two]}
              config: {severity: warn}
exposures:
  - name: page
    type: dashboard
    owner: {email: a@b.c}
    depends_on: [ref('final')]
""",
    "macros/say.sql": "{% macro say(what='hello') %}{{ log('said ' ~ what, info=True) }}{{ print('printed') }}{% endmacro %}"
                      "{% macro fail() %}{{ exceptions.raise_compiler_error('no way') }}{% endmacro %}",
}

# Of a project with what dbt is going to give up.
OLD = {
    "dbt_project.yml": """
name: shop
profile: shop
config-version: 2
config-version: 2
source-paths: [models]
target-path: out
clean-targets: [dbt_modules]
flags: {send_anonymous_usage_stats: false}
""",
    "profiles.yml": PROJECT["profiles.yml"],
    "data/raw.csv": "id\n1\n",
    "models/a.sql": "select 'x' as y {{ modules.itertools.chain([1]) and '' }}{{ modules.itertools.chain([1]) and '' }}",
    "models/raw.sql": "select 1 as id",
    "models/schema.yml": """
version: 2
models:
  - name: a
    description: one
    description: another
    columns:
      - name: y
        data_tests:
          - accepted_values: {values: [x], severity: warn}
          - accepted_values: {arguments: {values: [x, z]}, where: 1=1, tags: [t]}
          - not_null: {name: named, description: well}
sources:
  - name: my source
    tables: [{name: t}]
  - name: other
    tables:
      - {name: t, data_tests: [{unique: {column_name: c}}, {accepted_values: {column_name: c, values: [1]}}]}
exposures:
  - {name: my page, type: dashboard, owner: {email: a@b.c}}
  - {name: my-page, type: dashboard, owner: {email: a@b.c}}
""",
    "macros/some.sql": "{% set x = 1 %}\n{% macro some() %}1{% endmacro %}{% macro more() %}2{% endmacro %}{% endmacro %}",
    "snapshots/raw.sql": "{% snapshot raw %}{{ config(schema='kept', strategy='check', unique_key='id', check_cols='all') }}"
                         "select 1 as id{% endsnapshot %}{% other %}",
}

OLD_COMMANDS = [
    "parse --no-partial-parse",
    "parse --no-partial-parse --show-all-deprecations",
    "parse --warn-error",
    "parse --no-partial-parse --warn-error-options {silence:_[Deprecations]}",
    "parse --no-partial-parse --warn-error-options {error:_[DuplicateNameDistinctNodeTypesDeprecation]}",
    "parse --no-partial-parse --warn-error-options {include:_[NoNodesSelected]} --printer-width 50",
    "ls --no-partial-parse",
    "source freshness --no-partial-parse -o some.json",
    "run-operation more --no-partial-parse",
    "deps",
    "clean",
]

COMMANDS = [
    "parse",
    "seed",
    "run --exclude tag:broken",
    "run --select tag:broken",
    "test",
    "test --select stage --warn-error",
    "test --select not_null_stage_name --store-failures",
    "build --exclude tag:broken --fail-fast",
    "build --select final page",
    "run --select nothing_there",
    "run --select nothing_there --warn-error",
    "run --quiet --exclude tag:broken",
    "ls",
    "ls --output name --resource-type model test",
    "ls --output path --select stage+",
    "ls --output json --output-keys name resource_type config.materialized --select final stage raw",
    "ls --select nothing_there",
    "list --models stage --select final",
    "list --models stage",
    "list -m stage --models final --warn-error",
    "compile --select final",
    "compile --inline {{ref('stage')}} --output json",
    "compile --select hidden --quiet",
    "show --select final",
    "show --select final --limit 1 --output json",
    "show --inline select_1",
    "show --select raw",
    "show",
    "run-operation say",
    "run-operation say --args {what:_bye}",
    "run-operation fail",
    "run-operation missing",
    "run --nope",
    "rnu",
    "run --threads x",
    "run --indirect-selection x",
    "run foo",
    "run --select",
    "run --vars {a",
    "ls --resource-type foo",
    "run --profiles-dir /nope",
    "run --target nope",
    "run --profile nope",
    "-x run -x",
    "clean",
]


# What does not come out the same yet, or is meant to differ. One that does after all fails the run.
DIFFERENT = {
    "build --exclude tag:broken --fail-fast": "meant: dbt begins one more node while the failure is on its way to its main thread",
    "show --select raw": "meant: dbt loads the seed again in order to show it",
    "run --target nope": "meant: ours names the file",
    "run --profile nope": "meant: ours names the profiles that there are",
}


def words(line: str) -> list[str]:
    """Underscores after `--inline` stand for blanks."""
    parts = line.split()
    for option in ("--inline", "--args", "--warn-error-options"):
        if option in parts:
            place = parts.index(option) + 1
            parts[place] = parts[place].replace("select_1", "select 1 as a, 'b' as c").replace(":_", ": ")
    return parts


def without_schema(text: str, whose: str) -> str:
    return re.sub(rf"command_line_\d+_{whose}", "SCHEMA", text)


def normal(text: str, whose: str) -> list[str]:
    text = re.sub(r"\x1b\[\d+m", "", text)
    lines = []
    skips = False
    for line in text.splitlines():
        line = re.sub(r"^\d\d:\d\d:\d\d  ", "T  ", line)
        if "Unable to do partial parsing" in line or "dbt v2 is available" in line or "Performance info" in line:
            continue
        # What dbt adds to a fault of its own options is a Python traceback; that of an exception caught on the way begins with it.
        if line.startswith(("T  Traceback", "T  ValueError: None is not a valid")):
            skips = True
        if skips:
            continue
        # A fault of dbt's own that follows those of its options.
        if "Error uploading artifacts to artifact ingestion API" in line:
            continue
        line = without_schema(line, whose).replace("{'b', 'a'}", "{'a', 'b'}")
        line = re.sub(r"FilePath\(searched_path='(.*?)', relative_path='(.*?)', .*?\)", r"\1/\2", line)
        line = re.sub(r"in \d+\.\d+s\]", "in Ns]", line)
        line = re.sub(r"in \d+ hours \d+ minutes and \d+\.\d+ seconds \(\d+\.\d+s\)", "in TIME", line)
        line = re.sub(r" \.*\.? \[", " [", line)
        line = re.sub(r"\d+ macros", "N macros", line)
        lines.append(line.rstrip())
    return lines


NUMBERS = itertools.count()


def place(project: dict, tmp_path_factory) -> dict:
    """Writes a project twice, into folders of either side, with a schema of its own for both."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw")[2:] + f"{next(NUMBERS):03}"
    found = {}
    for whose in ("ours", "dbts"):
        folder = tmp_path_factory.mktemp(whose)
        for path, text in project.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text.replace("command_line_{{", f"command_line_{number}_{{{{"))
        found[whose] = folder
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return place(PROJECT, tmp_path_factory)


@pytest.fixture(scope="module")
def old_folders(tmp_path_factory):
    return place(OLD, tmp_path_factory)


def execute(program: list[str], line: str, folder, whose: str):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DBT_") or name.startswith("DBT_TEST")}
    environment.update(
        WHOSE=whose, DBT_USE_COLORS="false", DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        SALLYPORT_MACROS=str(runner.ROOT / ".cache" / "macros"))
    done = subprocess.run(
        [*program, *words(line)], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, normal(done.stdout, whose), normal(done.stderr, whose)


@pytest.mark.parametrize("line", [
    pytest.param(line, marks=pytest.mark.xfail(reason=DIFFERENT[line], strict=True)) if line in DIFFERENT else line
    for line in COMMANDS])
def test_prints_what_dbt_prints(folders, line):
    compare(folders, line)


@pytest.mark.parametrize("line", OLD_COMMANDS)
def test_says_what_dbt_is_going_to_give_up(old_folders, line):
    compare(old_folders, line)


def run_as(folders, whose: str, line: str):
    """What one side makes of a command line: code, lines, lines of errors."""
    program = [str(runner.binary()), "dbt"] if whose == "ours" else [str(runner.ROOT / ".cache" / "venv" / "bin" / "dbt")]
    return execute(program, line, folders[whose], whose)


def compare(folders, line):
    reference = run_as(folders, "dbts", line)
    ours = run_as(folders, "ours", line)
    assert ours[0] == reference[0], (ours, reference)
    # Of a path that was broken in the middle, the name alone tells whose it is.
    assert [text.replace(str(folders["ours"]), "FOLDER").replace(folders["ours"].name, "NAME") for text in ours[1]] == [
        text.replace(str(folders["dbts"]), "FOLDER").replace(folders["dbts"].name, "NAME") for text in reference[1]]
    assert ours[2] == reference[2]
