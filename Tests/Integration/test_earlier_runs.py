"""Commands that build on earlier runs or look at the database do what dbt's do: clone, defer, retry, freshness, docs, deps."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import atlas
import oracle
import projects
import pytest
import stage as stage_module

PROFILE = """
tide:
  target: dev
  outputs:
    dev: &dev {type: postgres, host: 127.0.0.1, port: "{{ env_var('TIDE_PORT') | as_number }}", user: harbor,
      password: "{{ env_var('DBT_ENV_SECRET_TIDE_PASSWORD') }}", dbname: "{{ env_var('TIDE_DATABASE') }}", schema: tide, threads: 2}
    prod: {<<: *dev, schema: tide_prod}
"""

FILES = {
    "dbt_project.yml": "name: tide\nversion: '1.0'\nprofile: tide\non-run-start: select 1\nmodels: {tide: {+materialized: table}}\n",
    "profiles.yml": PROFILE,
    "models/a.sql": "select 1 as id, '{{ target.name }}' as made_by\n",
    "models/b.sql": "{{ config(materialized='view') }} select * from {{ ref('a') }}\n",
    "models/c.sql": "select * from {{ ref('b') }} where 1 = {{ var('bad', 1) }}\n",
    "models/e.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('s') }}\n",
    "models/d.sql": "select c.id from {{ ref('c') }} c join {{ ref('e') }} using (id)\n",
    "seeds/s.csv": "id,name\n1,a\n2,b\n",
    "models/p.yml": """
models:
  - name: a
    description: first
    columns: [{name: id, description: key, data_tests: [unique, not_null]}]
    config: {persist_docs: {relation: true, columns: true}}
  - name: c
    columns: [{name: id, data_tests: [unique]}]
sources:
  - name: raw
    schema: tide_raw
    freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}
    loaded_at_field: loaded_at
    tables:
      - name: fresh
      - name: late
      - name: stale
      - {name: filtered, config: {freshness: {warn_after: {count: 1, period: hour}, filter: "id > 1"}}}
      - {name: queried, loaded_at_query: "select max(loaded_at) from {{ this }}"}
      - name: missing
      - name: nothing
      - {name: not_time, loaded_at_field: id}
      - {name: unmeasured, freshness: null}
  - {name: no_field, schema: tide_raw, tables: [{name: fresh, freshness: {warn_after: {count: 1, period: hour}}}]}
""",
}

RAW = """
create schema tide_raw;
create table tide_raw.fresh as select 1 as id, now() as loaded_at;
create table tide_raw.late as select 1 as id, now()::timestamp - interval '3 hours' as loaded_at;
create table tide_raw.stale as select 1 as id, now() - interval '3 days' as loaded_at;
create table tide_raw.filtered as select i as id, now() - interval '50 minutes' * i as loaded_at from generate_series(1, 3) i;
create table tide_raw.queried as select 1 as id, now() as loaded_at;
create table tide_raw.nothing (id int, loaded_at timestamptz);
create table tide_raw.not_time as select 1 as id;
"""


class Tide:
    """One database with the project's sources in it, and a folder for each program's artifacts."""

    def __init__(self, postgres, folder: pathlib.Path, name: str):
        self.name = name
        self.postgres = postgres
        self.project = projects.write(folder / name, FILES)
        postgres.execute(f"create database {name}", database="postgres")
        for statement in RAW.strip().split(";\n"):
            postgres.execute(statement, database=name)

    def run(self, *words: str, target: str = "target") -> tuple[int, str]:
        """The exit code, and all that was printed."""
        variables = atlas.environment(
            TIDE_PORT=str(self.postgres.port), TIDE_DATABASE=self.name, DBT_ENV_SECRET_TIDE_PASSWORD=self.postgres.password,
            TZ="UTC")
        places = ["--project-dir", str(self.project), "--profiles-dir", str(self.project), "--target-path", target]
        if self.name == "by_dbt":
            return oracle.shared().run(self.project, ["--no-use-colors", *words, *places], variables)
        done = subprocess.run(
            [stage_module.BINARY, "dbt", *words, *places], cwd=self.project, env=variables, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def artifact(self, name: str, target: str = "target") -> dict:
        return json.loads((self.project / target / name).read_text())

    def results(self, target: str = "target") -> dict[str, tuple]:
        return {
            result["unique_id"]: (result["status"], (result["message"] or "").split("\n")[0])
            for result in self.artifact("run_results.json", target)["results"]}

    def relations(self) -> list[tuple]:
        return self.postgres.execute(
            "select n.nspname, c.relname, c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where n.nspname like 'tide%' and c.relkind in ('r', 'v') order by 1, 2", database=self.name)

    def values(self, query: str) -> list[tuple]:
        return self.postgres.execute(query, database=self.name)


@pytest.fixture(scope="module")
def both():
    """The same story told to dbt and to Sallyport; each test looks at one chapter."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-tide-"))
    folder.chmod(0o755)
    postgres = stage_module.Postgres(folder)
    try:
        stories = [Tide(postgres, folder, name) for name in ("by_dbt", "by_us")]
        yield [tell(story) for story in stories]
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def tell(tide: Tide) -> dict:
    told: dict = {"tide": tide}

    def chapter(name: str, *words: str, target: str = "target", results: bool = True, rows: str | None = None):
        code, output = tide.run(*words, target=target)
        told[name] = {"code": code, "output": output, "relations": tide.relations()}
        if results:
            told[name]["results"] = tide.results(target)
        if rows is not None:
            told[name]["rows"] = tide.values(rows)
        return told[name]

    freshness = chapter("freshness", "source", "freshness", results=False)
    freshness["sources"] = tide.artifact("sources.json")
    chapter("freshness of some", "source", "freshness", "--select", "source:raw.fresh", "source:raw.late", results=False)
    (tide.project / "earlier").mkdir()
    shutil.copy(tide.project / "target" / "sources.json", tide.project / "earlier" / "sources.json")
    tide.values("update tide_raw.late set loaded_at = now()")
    chapter("freshness again", "source", "freshness", "--select", "source:raw.fresh", "source:raw.late", results=False)
    shutil.copy(tide.project / "target" / "manifest.json", tide.project / "earlier" / "manifest.json")
    chapter("fresher", "list", "--select", "source_status:fresher", "--state", "earlier", results=False)
    chapter("prod", "build", "--target", "prod", target="prod")
    chapter("clone", "clone", "--state", "prod")
    chapter("cloned rows", "clone", "--state", "prod", "--select", "a", rows="select made_by from tide.a")
    chapter("clone anew", "clone", "--state", "prod", "--full-refresh", "--select", "a", "s")
    chapter("clone without state", "clone", results=False)
    tide.values("drop schema tide cascade")
    chapter("deferred", "run", "--select", "c", "--defer", "--state", "prod", rows="select made_by from tide.c")
    chapter("own a", "run", "--select", "a")
    chapter("own b", "run", "--select", "b", "--defer", "--state", "prod", rows="select made_by from tide.b")
    chapter("favoured", "run", "--select", "b", "--defer", "--favor-state", "--state", "prod", rows="select made_by from tide.b")
    chapter("defer state", "run", "--select", "d", "--defer", "--defer-state", "prod")
    chapter("defer without state", "run", "--select", "d", "--defer", results=False)
    chapter("failing", "build", "--vars", "bad: x")
    chapter("result selection", "list", "--select", "result:error+", "--state", "target", results=False)
    chapter("retry", "retry")
    chapter("retry with other vars", "retry", "--vars", "bad: 1")
    chapter("retry of success", "retry")
    chapter("retry without a run", "retry", "--state", "nowhere", results=False)
    docs = chapter("docs", "docs", "generate")
    docs["catalog"] = tide.artifact("catalog.json")
    chosen = chapter("docs of some", "docs", "generate", "--select", "a", "source:raw.fresh")
    chosen["catalog"] = tide.artifact("catalog.json")
    bare = chapter("docs uncompiled", "docs", "generate", "--no-compile", results=False)
    bare["catalog"] = tide.artifact("catalog.json")
    empty = chapter("docs empty", "docs", "generate", "--empty-catalog")
    empty["catalog"] = tide.artifact("catalog.json")
    return told


CHAPTERS = [
    "freshness", "freshness of some", "freshness again", "fresher", "prod", "clone", "cloned rows", "clone anew", "clone without state", "deferred",
    "own a", "own b", "favoured", "defer state", "defer without state", "failing", "result selection", "retry", "retry with other vars", "retry of success",
    "retry without a run", "docs", "docs of some", "docs uncompiled", "docs empty",
]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_same_outcome(both, chapter):
    theirs, ours = (told[chapter] for told in both)
    assert ours["code"] == theirs["code"], ours["output"]
    assert ours["relations"] == theirs["relations"]
    assert ours.get("results") == theirs.get("results")
    assert ours.get("rows") == theirs.get("rows")


def test_the_story_has_failures_and_successes(both):
    codes = {chapter: both[0][chapter]["code"] for chapter in CHAPTERS}
    assert {codes[name] for name in ("failing", "freshness", "retry")} == {1}
    assert {codes[name] for name in ("clone without state", "retry without a run", "defer without state")} == {2}
    assert codes["retry with other vars"] == codes["docs"] == codes["deferred"] == 0


def test_freshness_measures_the_same(both):
    for result in both[1]["freshness"]["sources"]["results"]:
        assert abs(result["max_loaded_at_time_ago_in_s"]) > 0 and result["timing"] and result["thread_id"]
    measured = [
        {
            result["unique_id"]: (result["status"], result["criteria"], result["adapter_response"], set(result))
            for result in told["freshness"]["sources"]["results"]}
        for told in both]
    assert measured[1] == measured[0]
    assert {status for status, *_ in measured[0].values()} == {"pass", "warn", "error"}
    assert set(both[1]["freshness"]["sources"]["metadata"]) == set(both[0]["freshness"]["sources"]["metadata"])


def test_freshness_says_the_same(both):
    def lines(told) -> set[str]:
        text = [line[10:].split(" [")[0] for line in told["freshness"]["output"].splitlines() if " freshness of " in line]
        return {line.split(" ", 3)[3] for line in text}
    assert lines(both[1]) == lines(both[0])
    for text in ("no 'loaded_at_field' provided", "Expected a timestamp value", "Finished running 1 project hook, 9 sources", "  Status: error"):
        assert text in both[0]["freshness"]["output"] and text in both[1]["freshness"]["output"]


def listing(output: str) -> list[str]:
    """What was listed, without the notices behind it: dbt gives those of the files that it happens to parse again."""
    return sorted(line for line in output.partition("[DeprecationsSummary]")[0].splitlines() if line and not line[:2].isdigit())


def test_listings_are_equal(both):
    for chapter in ("fresher", "result selection"):
        theirs, ours = (listing(told[chapter]["output"]) for told in both)
        assert ours == theirs and ours


def test_catalogs_are_equal(both):
    for chapter in ("docs", "docs of some", "docs uncompiled", "docs empty"):
        theirs, ours = (json.loads(json.dumps(told[chapter]["catalog"]).replace(told["tide"].name, "DATABASE")) for told in both)
        assert set(ours) == set(theirs) and set(ours["metadata"]) == set(theirs["metadata"])
        for section in ("nodes", "sources", "errors"):
            assert ours[section] == theirs[section], chapter
    assert len(both[0]["docs"]["catalog"]["nodes"]) >= 5 and len(both[0]["docs"]["catalog"]["sources"]) >= 8
    assert not both[0]["docs empty"]["catalog"]["nodes"]


def test_dbt_reads_our_artifacts(both):
    check = (
        "import sys; from dbt.artifacts.schemas.catalog import CatalogArtifact as C; "
        "from dbt.artifacts.schemas.freshness import FreshnessExecutionResultArtifact as F; "
        "from dbt.artifacts.schemas.run import RunResultsArtifact as R; from dbt.artifacts.schemas.manifest import WritableManifest as M; "
        "C.read_and_check_versions(sys.argv[1] + '/catalog.json'); F.read_and_check_versions(sys.argv[1] + '/sources.json'); "
        "R.read_and_check_versions(sys.argv[1] + '/run_results.json'); M.read_and_check_versions(sys.argv[1] + '/manifest.json')")
    target = both[1]["tide"].project / "target"
    subprocess.run([stage_module.VENV / "python", "-c", check, target], check=True)


def test_a_static_site_is_refused_with_what_to_do(both):
    code, output = both[1]["tide"].run("docs", "generate", "--static")
    assert code == 2 and "--static is not supported" in output


# Packages


def lock(folder: pathlib.Path) -> str:
    return (folder / "package-lock.yml").read_text()


def test_local_packages_are_linked_and_locked_as_dbt_does(tmp_path):
    extra = {"packages/lib/packages.yml": "packages:\n  - local: \"{{ 'packages/' ~ var('second', 'more') }}\"\n"}
    folders = []
    for name, install in (("dbt", atlas.dbt), ("own", atlas.sallyport)):
        folder = pathlib.Path(shutil.copytree(atlas.SOURCE, tmp_path / name))
        projects.write(folder / "packages" / "more", {"dbt_project.yml": "name: more\nversion: '1.0'\nconfig-version: 2\n"})
        (folder / "packages/lib/packages.yml").write_text(extra["packages/lib/packages.yml"])
        install(folder, "deps")
        folders.append(folder)
    theirs, ours = folders
    assert lock(ours) == lock(theirs)
    for folder in folders:
        assert sorted(path.name for path in (folder / "dbt_packages").iterdir()) == ["lib", "more"]
        assert (folder / "dbt_packages" / "lib").resolve() == (folder / "packages" / "lib").resolve()
    # Either program is content with the other's lock.
    before = lock(ours)
    assert "Updating lock file" not in atlas.dbt(ours, "deps")
    assert "Updating lock file" not in atlas.sallyport(theirs, "deps")
    assert lock(ours) == before
    (ours / "packages.yml").write_text("packages:\n  - local: packages/more\n")
    assert "Updating lock file" in atlas.sallyport(ours, "deps")
    assert [path.name for path in (ours / "dbt_packages").iterdir()] == ["more"]


def test_packages_that_cannot_be_fetched_are_refused_unless_delivered(tmp_path):
    declared = "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.0\n"
    folder = projects.write(tmp_path / "project", {
        "dbt_project.yml": "name: app\nversion: '1.0'\nconfig-version: 2\n", "packages.yml": declared})
    # Nobody listens there.
    nowhere = {"DBT_PACKAGE_HUB_URL": "http://127.0.0.1:1/"}
    said = atlas.sallyport(folder, "deps", code=2, **nowhere)
    assert "dbt-labs/dbt_utils" in said and "cannot be fetched: no connection to" in said and "local:" in said
    assert not (folder / "package-lock.yml").exists()
    projects.write(folder / "dbt_packages" / "dbt_utils", {"dbt_project.yml": "name: dbt_utils\nversion: '1.3.0'\nconfig-version: 2\n"})
    assert "as it was delivered" in atlas.sallyport(folder, "deps", **nowhere)
    locked = lock(folder)
    assert "package: dbt-labs/dbt_utils" in locked
    assert (folder / "dbt_packages" / "dbt_utils" / "dbt_project.yml").exists()
    # dbt finds its own hash in it.
    check = (
        "import sys, yaml; from dbt.config.project import package_config_from_data as p; from dbt.task.deps import _create_sha1_hash as h; "
        "d = yaml.safe_load(open(sys.argv[1] + '/packages.yml')); l = yaml.safe_load(open(sys.argv[1] + '/package-lock.yml')); "
        "assert h(p(d, d).packages) == l['sha1_hash'], (h(p(d, d).packages), l)")
    subprocess.run([stage_module.VENV / "python", "-c", check, folder], check=True)


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "x y"])
def test_a_package_cannot_name_its_way_out_of_the_install_folder(tmp_path, name):
    folder = projects.write(tmp_path / "project", {
        "dbt_project.yml": "name: app\nversion: '1.0'\nconfig-version: 2\n", "packages.yml": "packages:\n  - local: lib\n",
        "lib/dbt_project.yml": f"name: '{name}'\nversion: '1.0'\nconfig-version: 2\n"})
    reason = "Invalid package name" if name else "Package defined in dbt_project.yml must have a name!"
    assert reason in atlas.sallyport(folder, "deps", code=2)
    assert not (tmp_path / "evil").exists() and not os.path.lexists(folder / "dbt_packages" / name.replace("/", "_") / "x")


def test_folders_of_the_user_in_the_install_folder_stay(tmp_path):
    folder = projects.write(tmp_path / "project", {
        "dbt_project.yml": "name: app\nversion: '1.0'\nconfig-version: 2\n", "packages.yml": "packages: []\n",
        "dbt_packages/notes/readme.txt": "mine\n", "dbt_packages/old/dbt_project.yml": "name: old\n"})
    assert "No packages were found" in atlas.sallyport(folder, "deps")
    assert (folder / "dbt_packages/notes/readme.txt").exists() and not (folder / "dbt_packages/old").exists()
