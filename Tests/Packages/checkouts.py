"""Puts checkouts of packages in place as `dbt deps` would find them: beside each other, declared as local."""

from __future__ import annotations

import copy
import os
import pathlib
import shutil

import yaml

from packages import Package

# Of every profile that a package's project names.
PROFILE = {
    "target": "postgres",
    "outputs": {"postgres": {
        "type": "postgres", "host": "127.0.0.1", "port": "{{ env_var('DIFF_PORT') | as_number }}", "user": "harbor",
        "password": "{{ env_var('DBT_ENV_SECRET_DIFF_PASSWORD') }}", "dbname": "{{ env_var('DIFF_DATABASE') }}",
        "schema": "an"}}}


def place(package: Package, checkouts: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A folder named after the package with copies of its checkout and of those it needs."""
    tree = folder / package.name
    root = tree / package.name / package.project
    for name in (package.name, *package.needs):
        source = checkouts / name
        if not (source / "dbt_project.yml").exists():
            raise SystemExit(f"{source} is no checkout of the package {name}")
        shutil.copytree(source, tree / name, symlinks=True, ignore=shutil.ignore_patterns(".git", "dbt_packages", "target", "logs"))
    for path in [*tree.rglob("packages.yml")]:
        declared = yaml.safe_load(path.read_text())
        # dbt takes a local path of any package to begin at the root project.
        declared["packages"] = [local(entry, path, tree, root) for entry in declared["packages"]]
        path.write_text(yaml.safe_dump(declared))
    for path in tree.rglob("package-lock.yml"):  # it locks versions of the package index
        path.unlink()
    return tree


def local(entry: dict, path: pathlib.Path, tree: pathlib.Path, root: pathlib.Path) -> dict:
    target = (path.parent / entry["local"]).resolve() if "local" in entry else tree.resolve() / entry["package"].rpartition("/")[2]
    return {"local": os.path.relpath(target, root.resolve())}


def profiles(folder: pathlib.Path, threads: int) -> pathlib.Path:
    """A folder with the profiles that the projects name."""
    folder.mkdir()
    profile = copy.deepcopy(PROFILE)
    profile["outputs"]["postgres"]["threads"] = threads
    names = ("integration_tests", "elementary_tests", "elementary", "dbt_artifacts", "jaffle_shop")
    (folder / "profiles.yml").write_text(yaml.safe_dump({name: profile for name in names}))
    return folder
