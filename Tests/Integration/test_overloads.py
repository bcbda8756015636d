"""Functions with overloads, one of which fails: built, and retried overload by overload, as dbt does."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import atlas
import oracle
import projects
import pytest
import stage as stage_module

FILES = {
    "dbt_project.yml": "name: grow\nversion: '1.0'\nprofile: grow\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": """
grow:
  target: dev
  outputs:
    dev: {type: postgres, host: 127.0.0.1, port: "{{ env_var('GROW_PORT') | as_number }}", user: harbor, threads: 1,
      password: "{{ env_var('DBT_ENV_SECRET_GROW_PASSWORD') }}", dbname: "{{ env_var('GROW_DATABASE') }}", schema: grow}
""",
    "functions/grow.sql": "select x + 1",
    "functions/grow_text.sql": "select x || '+'",
    "functions/grow_date.sql": "select x + {{ var('days', 'no_days_at_all') }}",
    "functions/grow.yml": """
functions:
  - name: grow
    arguments: [{name: x, data_type: int}]
    returns: {data_type: int}
    overloads:
      - {defined_in: grow_text, arguments: [{name: x, data_type: text}], returns: {data_type: text}}
      - {defined_in: grow_date, arguments: [{name: x, data_type: date}], returns: {data_type: date}}
""",
    "models/grown.sql": "select {{ function('grow') }}(1) as one",
}

STORY = [["build"], ["retry"], ["retry", "--vars", "days: 2"]]


class Chapter:
    def __init__(self, code: int, output: str, results: list[dict], functions: list[tuple]):
        self.code, self.functions = code, functions
        self.lines = [
            re.sub(r"in \d+\.\d+s\]", "in Ns]", line[10:]) for line in output.splitlines() if re.match(r"\d\d:\d\d:\d\d  (Overload |\d+ of )", line)]
        self.results = {
            entry["unique_id"]: (entry["status"], entry["message"], entry["overload_results"]) for entry in results}


def tell(postgres, folder: pathlib.Path, database: str) -> list[Chapter]:
    postgres.execute(f"create database {database}", database="postgres")
    project = projects.write(folder / database, FILES)
    variables = atlas.environment(
        GROW_PORT=str(postgres.port), GROW_DATABASE=database, DBT_ENV_SECRET_GROW_PASSWORD=postgres.password)
    chapters = []
    for words in STORY:
        words = ["--no-use-colors", *words, "--project-dir", str(project), "--profiles-dir", str(project)]
        if database == "by_dbt":
            code, output = oracle.shared().run(project, words, variables)
        else:
            done = subprocess.run([stage_module.BINARY, "dbt", *words], cwd=project, env=variables, capture_output=True, text=True)
            code, output = done.returncode, done.stdout + done.stderr
        functions = postgres.execute(
            "select pg_get_function_arguments(p.oid), prosrc from pg_proc p join pg_namespace n on n.oid = pronamespace "
            "where nspname = 'grow' order by 1", database=database)
        results = json.loads((project / "target" / "run_results.json").read_text())["results"]
        chapters.append(Chapter(code, output, results, functions))
    return chapters


@pytest.fixture(scope="module")
def stories():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-grow-"))
    folder.chmod(0o755)
    postgres = stage_module.Postgres(folder)
    try:
        yield [tell(postgres, folder, name) for name in ("by_dbt", "by_us")]
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("number", range(len(STORY)))
def test_each_chapter_is_dbts(stories, number):
    theirs, ours = (chapters[number] for chapters in stories)
    assert ours.code == theirs.code
    assert ours.results == theirs.results
    assert ours.functions == theirs.functions
    assert ours.lines == theirs.lines


def test_dbt_tells_the_story_that_is_meant(stories):
    first, second, third = stories[0]
    assert (first.code, second.code, third.code) == (1, 1, 0)
    assert first.results["function.grow.grow"][2] == {"successful": ["grow_text"], "failed": ["grow_date"]}
    assert any("SKIP function grow overload grow_text" in line for line in second.lines)
    assert len(third.functions) == 3
