"""What `deps` says of packages that cannot be had, beside dbt's own. Nothing here reaches a network."""

from __future__ import annotations

import pytest

import conformance
import test_command_line

pytestmark = [
    pytest.mark.module("deps_complaints"),
    pytest.mark.skipif(conformance.DRIVES_DBT, reason="compares dbt with our executable"),
]

PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": test_command_line.PROJECT["profiles.yml"],
    "models/a.sql": "select 1 as id",
    "pieces/one/dbt_project.yml": "name: one\nversion: 1.0.0\n",
    "pieces/one/packages.yml": "packages: [{local: ../two}]",
    "pieces/two/dbt_project.yml": "name: two\nversion: 1.0.0\n",
    "pieces/same/dbt_project.yml": "name: shop\nversion: 1.0.0\n",
    "pieces/twin1/dbt_project.yml": "name: twin\nversion: 1.0.0\n",
    "pieces/twin2/dbt_project.yml": "name: twin\nversion: 1.0.0\n",
    "pieces/nameless/dbt_project.yml": "version: 1.0.0\n",
    "pieces/broken/dbt_project.yml": "name: [a\n",
    "pieces/strange/dbt_project.yml": "name: strange\nnonsense: 1\n",
    "pieces/newer/dbt_project.yml": "name: newer\nrequire-dbt-version: '>=99.0.0'\n",
    "pieces/empty/readme.md": "nothing",
    "pieces/needs_more/dbt_project.yml": "name: needs_more\n",
    "pieces/needs_more/packages.yml": "packages: [{local: nowhere}]",
    "pieces/needs_wrong/dbt_project.yml": "name: needs_wrong\n",
    "pieces/needs_wrong/packages.yml": "packages: [{something: else}]",
}

# What stands in packages.yml.
PACKAGES = {
    "no list": "packages: text",
    "a mapping": "packages: {a: b}",
    "a list of texts": "packages: [dbt_utils]",
    "not YAML": "packages: [a",
    "a list": "- package: a/b",
    "another key": "package: [{local: pieces/one}]",
    "more keys": "packages: [{local: pieces/twin1}]\nmore: 1",
    "projects": "projects: [{name: a}]",
    "empty": "",
    "null": "packages: null",
    "empty list": "packages: []",
    "unknown kind": "packages: [{something: else}]",
    "empty entry": "packages: [{}]",
    "two kinds": "packages: [{local: pieces/twin1, git: 'file:///nowhere'}]",
    "extra key": "packages: [{local: pieces/twin1, extra: 1}]",
    "no version": "packages: [{package: a/b}]",
    "wrong version": "packages: [{package: a/b, version: abc}]",
    "wrong range": "packages: [{package: a/b, version: ['>=1.0.0', 'x']}]",
    "version object": "packages: [{package: a/b, version: {a: 1}}]",
    "package without owner": "packages: [{package: b, version: 1.0.0}]",
    "package number": "packages: [{package: 1, version: 1.0.0}]",
    "git with version": "packages: [{git: 'file:///nowhere', version: 1.0.0}]",
    "git number": "packages: [{git: 1}]",
    "git nowhere": "packages: [{git: 'file:///nowhere/at/all', revision: main}]",
    "git two revisions": "packages: [{git: 'file:///nowhere', revision: a}, {git: 'file:///nowhere', revision: b}]",
    "git same twice": "packages: [{git: 'file:///nowhere/at/all', revision: a}, {git: 'file:///nowhere/at/all', revision: a}]",
    "git subdirectory number": "packages: [{git: 'file:///nowhere', revision: a, subdirectory: [1]}]",
    "tarball without name": "packages: [{tarball: 'file:///nowhere.tar.gz'}]",
    "local missing": "packages: [{local: pieces/nowhere}]",
    "local empty": "packages: [{local: pieces/empty}]",
    "local null": "packages: [{local: null}]",
    "local number": "packages: [{local: 1}]",
    "local nameless": "packages: [{local: pieces/nameless}]",
    "local broken": "packages: [{local: pieces/broken}]",
    "local strange": "packages: [{local: pieces/strange}]",
    "local newer": "packages: [{local: pieces/newer}]",
    "local same": "packages: [{local: pieces/same}]",
    "local twins": "packages: [{local: pieces/twin1}, {local: pieces/twin2}]",
    "local twice": "packages: [{local: pieces/twin1}, {local: pieces/twin1}]",
    # dbt takes folders of packages from the project's own.
    "local above": "packages: [{local: pieces/one}]",
    "local needs more": "packages: [{local: pieces/needs_more}]",
    "local needs wrong": "packages: [{local: pieces/needs_wrong}]",
    "undefined variable": "packages: [{local: \"{{ env_var('NO_SUCH_VARIABLE') }}\"}]",
    "wrong template": "packages: [{local: '{{ a b }}'}]",
}

# What is meant to differ. One that does not after all fails the run.
DIFFERENT = {
    "not YAML": "meant: ours names the file",
    **dict.fromkeys(["local broken", "undefined variable", "wrong template"], "meant: ours names the file and shows the place"),
    **dict.fromkeys(["git nowhere", "git same twice"], "meant: ours names the revision; where it clones is its own"),
    **dict.fromkeys(
        ["no list", "a mapping", "a list of texts", "a list", "no version", "wrong version", "wrong range", "package number"],
        "meant: dbt ends with a fault of its own program"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return test_command_line.place(PROJECT, tmp_path_factory)


FAST = {
    "another key", "more keys", "unknown kind", "two kinds", "package without owner", "git number", "local missing",
    "local nameless", "local twins", "local needs wrong",
}


def marks(name: str) -> list:
    different = [pytest.mark.xfail(reason=DIFFERENT[name], strict=True)] if name in DIFFERENT else []
    return different + ([pytest.mark.fast] if name in FAST else [])


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in PACKAGES])
def test_complains_as_dbt_does(folders, name):
    for folder in folders.values():
        (folder / "package-lock.yml").unlink(missing_ok=True)
        (folder / "packages.yml").write_text(PACKAGES[name])
    test_command_line.compare(folders, "deps")
