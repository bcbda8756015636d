"""dbt and Sallyport find the same changes between two versions of a project, whoever wrote the earlier manifest."""

import pathlib
import shutil
import tempfile

import atlas
import pytest

QUESTIONS = [
    "state:new", "state:old", "state:modified", "state:unmodified", "state:modified.body", "state:modified.configs",
    "state:modified.persisted_descriptions", "state:modified.relation", "state:modified.macros", "state:modified.contract",
    "state:modified+", "+state:modified.body", "state:modified,resource_type:model", "state:new state:modified.macros",
]

MARTS = "models/marts/schema.yml"

# Versions of the project: what changed, as files with parts replaced.
CHANGES = {
    "nothing": {},
    "code": atlas.edited(
        ("models/staging/stg_trips.sql", "select *", "select id, day"),
        ("seeds/rates.csv", "2.25", "2.5"),
        ("snapshots/places.sql", "updated_at='ts'", "updated_at='tz'"),
        ("tests/no_negative_ids.sql", "id < 0", "id < 1"),
        ("tests/fixtures/ledger_rows.csv", "1,a", "1,b"),
        (MARTS, "vars: {n: 4}", "vars: {n: 5}"),
    ) | {"models/staging/stg_new.sql": "select 1 as id\n", "models/marts/finance/forecast.sql": None, "analyses/peek.sql": None},
    "project file": atlas.edited(
        ("dbt_project.yml", "+materialized: table", "+materialized: view"),
        ("dbt_project.yml", "+tags: mart", "+tags: other"),
        ("dbt_project.yml", "+schema: stg", "+schema: stage"),
        ("dbt_project.yml", "+severity: warn", "+severity: error"),
        ("dbt_project.yml", "'2024-01-01'", "'2025-01-01'"),
    ),
    "configuration and descriptions": atlas.edited(
        ("models/marts/ledger.sql", "append_new_columns", "fail"),
        ("models/staging/schema.yml", "as spoken", "as written"),
        ("models/staging/schema.yml", '"id > 0"', '"id > 1"'),
        (MARTS, "a dimension", "the dimension"),
        (MARTS, "access: protected", "access: private"),
        ("models/sources.yml", "stays_v2", "stays_v3"),
        ("models/sources.yml", "What arrives", "What came"),
        ("models/sources.yml", "{b: 2}", "{b: 3}"),
    ),
    "freshness, seeds' description": atlas.edited(
        ("models/sources.yml", "count: 1, period: day", "count: 3, period: day"),
        ("seeds/properties.yml", "Where ships", "Where boats"),
    ),
    "macros": atlas.edited(
        ("macros/shout.sql", "default__quiet() %}", "default__quiet() %} "),
        ("macros/shout.sql", "{% macro unused(x: string, y=none) -%} '{{ x }}' = '{{ shout(y) }}' {%- endmacro %}\n", ""),
    ),
    "macros of a package, generic tests": atlas.edited(
        ("packages/lib/macros/lib.sql", "{% macro add(a, b) %}{{ a }}", "{% macro add(a, b) %}{{ b }}"),
        ("tests/generic/at_most.sql", "select 1", "select 2"),
    ),
    "contracts and versions": atlas.edited(
        (MARTS, "latest_version: 2", "latest_version: 3"),
        (MARTS, "2030-01-01", "2031-01-01"),
        (MARTS, "{name: third, data_type: int}", "{name: third, data_type: int(8)}"),
        (MARTS, "{name: id, data_type: integer, constraints: [{type: foreign_key", "{name: id, data_type: bigint, constraints: [{type: foreign_key"),
    ) | {"models/intermediate/int.with.dots.sql": "{{ config(enabled=false) }} select 1\n"},
    "entries": atlas.edited(
        (MARTS, "maturity: high", "maturity: low"),
        (MARTS, "label: Total", "label: Sum"),
        (MARTS, "each order", "an order"),
        (MARTS, "alias: ee", "alias: ff"),
    ),
}


@pytest.fixture(scope="module")
def versions():
    """The first version's manifests by dbt and by us, every change in a folder of its own, and what dbt lists for each."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-state-"))
    first = atlas.copy(root / "first")
    atlas.dbt(first, "parse", target=root / "by_dbt")
    atlas.sallyport(first, "parse", target=root / "by_us")
    folders = {name: atlas.copy(root / "".join(filter(str.isalnum, name)), files) for name, files in CHANGES.items()}
    requests = [
        (folder, ["--select", *question.split(), "--state", str(root / "by_dbt")])
        for folder in folders.values() for question in QUESTIONS
    ]
    answers = iter(atlas.listings(requests, root / "target"))
    yield root, folders, {(name, question): next(answers) for name in folders for question in QUESTIONS}
    shutil.rmtree(root, ignore_errors=True)


def test_every_change_is_seen(versions):
    _, folders, answers = versions
    assert {name for name in folders if not answers[name, "state:modified"]} == {"nothing"}


@pytest.mark.parametrize("writer", ["by_dbt", "by_us"])
@pytest.mark.parametrize("name", CHANGES)
def test_same_changes(versions, name, writer):
    root, folders, answers = versions
    for question in QUESTIONS:
        expected = answers[name, question]
        words = ["--select", *question.split(), "--state", str(root / writer)]
        if isinstance(expected, str):
            atlas.sallyport(folders[name], "list", "--no-write-json", *words, code=2)
        else:
            assert atlas.own_listing(folders[name], words) == expected, question


def test_a_broken_contract_of_a_versioned_model_is_an_error(versions, tmp_path):
    root, _, _ = versions
    folder = atlas.copy(tmp_path / "broken", atlas.edited((MARTS, "{name: id, data_type: int,", "{name: id, data_type: text,")))
    words = ["--select", "state:modified", "--state", str(root / "by_dbt")]
    [theirs] = atlas.listings([(folder, words)], tmp_path / "target")
    assert isinstance(theirs, str) and "Columns with data_type changes" in theirs
    ours = atlas.sallyport(folder, "list", "--no-write-json", *words, code=2)
    for text in ("breaking change to an enforced contract", "Columns with data_type changes", "id (int -> text)", "dim_places"):
        assert text in theirs and text in ours


def test_artifacts_of_an_unknown_version_are_refused(tmp_path):
    folder = atlas.copy(tmp_path / "project")
    state = tmp_path / "state"
    state.mkdir()
    (state / "manifest.json").write_text('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v99.json"}}')
    words = ["list", "--no-write-json", "--select", "state:new", "--state", str(state)]
    assert "Expected a schema version of" in atlas.sallyport(folder, *words, code=2)
    (state / "manifest.json").write_text("{")
    assert "not valid JSON" in atlas.sallyport(folder, *words, code=2)
