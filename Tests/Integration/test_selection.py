"""dbt and Sallyport list the same resources for the same selections."""

import pathlib
import shutil
import tempfile

import atlas
import pytest

# Each a list of options of `dbt ls`.
NAMES = [
    "stg_trips", "ledger", "stg_trips+", "+ledger", "2+ledger", "1+ledger+1", "+ledger+", "@places", "@stg_places",
    "stg_trips+1", "nobody", "ledger looping", "stg_trips,tag:nightly", "+looping,tag:stg", "tag:stg tag:mart,tag:slow",
    "atlas", "atlas.staging", "atlas.marts.finance", "atlas.*", "s*", "stg_?rips", "stg_[tp]*", "*.staging.*", "int*", "int.with.dots",
    "lib", "lib.inner", "lib.inner.second", "second+", "dim_places", "dim_places.v1", "dim_places_v3", "dim_places.v2+",
    "atlas.marts.dim_places", "atlas.places.places_history", "places_history", "trips_by_check", "other", "empty", "off", "late_off",
    "fqn:ledger", "fqn:atlas.marts.*",
]
METHODS = [
    "tag:stg", "tag:nightly", "tag:*", "tag:hot", "tag:raw", "tag:kpi", "tag:dev", "tag:bi", "tag:quick", "tag:lone",
    "resource_type:test", "resource_type:source", "resource_type:model", "resource_type:seed", "resource_type:snapshot",
    "resource_type:unit_test", "resource_type:exposure", "resource_type:metric", "resource_type:semantic_model",
    "resource_type:saved_query", "resource_type:analysis",
    "test_type:generic", "test_type:singular", "test_type:unit", "test_type:data", "test_name:at_most", "test_name:uni*",
    "test_name:keeps_all", "test_name:positive",
    "source:raw", "source:raw.trips", "source:raw.trips+", "source:atlas.raw.trips", "source:*.one", "source:lib.libsrc.*", "+source:raw.stays+",
    "exposure:board", "+exposure:board", "exposure:*", "exposure:atlas.notebook", "metric:total", "+metric:share", "metric:atlas.*",
    "semantic_model:orders", "semantic_model:orders+", "saved_query:daily", "+saved_query:daily", "unit_test:keeps_all", "unit_test:atlas.*",
    "+unit_test:from_files",
    "path:models/staging", "path:models/staging/stg_trips.sql", "path:models/marts/schema.yml", "path:seeds", "path:models/*/stg*", "path:tests",
    "models/marts", "seeds/deep/codes.csv", "path:models/**/ledger.sql", "path:packages", "path:snapshots",
    "file:ledger.sql", "file:ledger", "ledger.sql", "file:places*", "file:sources.yml", "codes.csv",
    "package:atlas", "package:lib", "package:this", "package:l*",
    "config.materialized:view", "config.materialized:incremental", "config.materialized:table", "config.materialized:ephemeral",
    "config.severity:error", "config.severity:WARN", "config.enabled:true", "config.tags:hot", "config.meta.owner:ann",
    "config.contract.enforced:true", "config.grants.select:u", "config.persist_docs.relation:true", "config.unique_key:id", "config.store_failures:true",
    "config.group:finance", "config.event_time:x",
    "group:finance", "group:people", "group:f*", "+group:finance", "access:private", "access:public", "access:protected",
    "version:latest", "version:old", "version:prerelease", "version:none", "version:latest+",
]
EXCLUDES = [
    ("", "ledger"), ("+ledger", "tag:stg"), ("ledger", "test_type:generic"), ("", "resource_type:test resource_type:unit_test"),
    ("tag:nightly+", "config.materialized:incremental"), ("package:lib", "lib_model,config.materialized:table"), ("path:models", "source:*"),
    ("@stg_trips", "ledger+"), ("models/marts,tag:mart", "dim_places"),
]
MODES = ["cautious", "buildable", "empty"]
INDIRECT = ["stg_trips", "stg_places", "stg_trips stg_places", "+ledger", "places+", "ledger,tag:slow", "source:raw.trips"]
TYPES = [
    ["--resource-type", "model"], ["--resource-type", "test", "unit_test"], ["--resource-type", "all"],
    ["--exclude-resource-type", "test", "model"], ["--resource-type", "source", "--select", "tag:nightly"],
    ["--resource-type", "saved_query", "metric"], ["--resource-type", "analysis"], ["--resource-type", "exposure"],
]
SELECTORS = [
    "nightly", "staged_and_raw", "no_tests", "inherits", "inherits_with_parents", "at_sign", "careful", "plain", "one_key", "several",
]
OUTPUTS = [["--output", form, "--select", "+ledger", "exposure:*", "source:*", "test_type:unit"] for form in ("name", "path", "selector")]


def cases() -> list[list[str]]:
    found = [["--select", text] for text in NAMES + METHODS]
    for select, exclude in EXCLUDES:
        found.append((["--select", *select.split()] if select else []) + ["--exclude", *exclude.split()])
    found += [["--select", *text.split(), "--indirect-selection", mode] for mode in MODES for text in INDIRECT]
    found += TYPES + OUTPUTS + [["--selector", name] for name in SELECTORS]
    found += [["--select", f"selector:{name}"] for name in ("nightly", "no_tests", "*and*")]
    found += [["--select", "selector:careful+", "tag:bi"], ["--select", "+selector:one_key", "--exclude", "selector:plain"]]
    return found + [[]]


@pytest.fixture(scope="module")
def listed():
    """The project, and dbt's answer to every case."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-atlas-"))
    folder = atlas.copy(root / "project")
    words = cases()
    answers = atlas.listings([(folder, entry) for entry in words], root / "target")
    yield folder, {" ".join(entry): answer for entry, answer in zip(words, answers)}
    shutil.rmtree(root, ignore_errors=True)


def test_there_are_many_and_most_of_them_list_something(listed):
    _, answers = listed
    assert len(answers) >= 190
    assert sum(bool(answer) for answer in answers.values()) >= 170


@pytest.mark.parametrize("words", cases(), ids=lambda words: " ".join(words) or "everything")
def test_same_resources(listed, words):
    folder, answers = listed
    expected = answers[" ".join(words)]
    if isinstance(expected, str):
        atlas.sallyport(folder, "list", "--no-write-json", *words, code=2)
    else:
        assert atlas.own_listing(folder, words) == expected


def test_the_default_selector_counts_when_nothing_is_asked_for(tmp_path):
    folder = atlas.copy(tmp_path / "project", atlas.edited(
        ("profiles.yml", "    dev:\n", "    with_default:\n"), ("profiles.yml", "target: dev", "target: with_default")))
    expected, excluding = atlas.listings([(folder, []), (folder, ["--exclude", "tag:slow"])], tmp_path / "target")
    assert 0 < len(expected) < len(excluding)
    assert atlas.own_listing(folder, []) == expected
    assert atlas.own_listing(folder, ["--exclude", "tag:slow"]) == excluding


@pytest.mark.parametrize(
    "words, text", [
        (["--select", "wrong:x"], "'wrong' is not a valid method name"),
        (["--select", "@stg_trips+"], "incompatible"),
        (["--selector", "nobody"], "Could not find selector named nobody"),
        (["--select", "state:new"], "Got a state selector method, but no comparison manifest"),
        (["--select", "result:error"], "No comparison run_results"),
        (["--select", "source_status:fresher"], "No previous state comparison freshness results"),
        (["--select", "version:newest"], "Invalid version type selector newest"),
        (["--select", "test_type:odd"], "Invalid test type selector odd"),
        (["--select", "source:a.b.c.d"], "Invalid source selector value"),
        (["--select", "selector:nobody"], "did not match any selector"),
    ])
def test_wrong_selections_are_refused(listed, words, text):
    assert text in atlas.sallyport(listed[0], "list", "--no-write-json", *words, code=2)
