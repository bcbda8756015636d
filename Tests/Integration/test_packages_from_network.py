"""`deps` over the network: archives and dbt's package index do what dbt's own `deps` does with them, and a hostile server fails
cleanly. Real dbt and Sallyport talk to one server."""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

import atlas
import package_hub
import projects
import stage as stage_module

HEADER = "name: app\nversion: '1.0'\nconfig-version: 2\n"


@pytest.fixture
def hub():
    with package_hub.Hub() as server:
        yield server


def run(program: list, folder: pathlib.Path, words: tuple[str, ...], **variables: str) -> tuple[int, str]:
    """Exit code and lines, without times. A process of its own, since dbt reads the index's address when it is loaded."""
    done = subprocess.run(
        [*program, "--no-use-colors", "deps", *words, "--project-dir", folder, "--profiles-dir", folder, "--log-path", folder / "logs"],
        cwd=folder, env=atlas.environment(**variables), capture_output=True, text=True, timeout=300)
    lines = done.stdout.replace(str(folder), "FOLDER").splitlines()
    return done.returncode, "\n".join(line[10:] if line[2:3] == ":" and line[5:6] == ":" else line for line in lines)


def dbt(folder: pathlib.Path, *words: str, **variables: str) -> tuple[int, str]:
    return run([stage_module.VENV / "dbt"], folder, words, **variables)


def sallyport(folder: pathlib.Path, *words: str, **variables: str) -> tuple[int, str]:
    return run([stage_module.BINARY, "dbt"], folder, words, **variables)


def tree(folder: pathlib.Path) -> dict[str, tuple]:
    """What is installed: the kind, permissions and contents of everything."""
    found = {}
    for path in sorted((folder / "dbt_packages").rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", oct(path.stat().st_mode))
        else:
            found[name] = ("file", oct(path.stat().st_mode), path.read_bytes())
    return found


def lock(folder: pathlib.Path) -> str | None:
    path = folder / "package-lock.yml"
    return path.read_text() if path.exists() else None


class Pair:
    """A project twice: for dbt and for Sallyport."""

    def __init__(self, folder: pathlib.Path, files: dict[str, str]) -> None:
        self.theirs = projects.write(folder / "dbt", {"dbt_project.yml": HEADER, **files})
        self.ours = projects.write(folder / "own", {"dbt_project.yml": HEADER, **files})

    def write(self, name: str, text: str) -> None:
        for folder in (self.theirs, self.ours):
            (folder / name).write_text(text)

    def deps(self, hub: package_hub.Hub, *words: str, **variables: str) -> tuple[int, str, str, list[str]]:
        """Code, lines and requests of Sallyport, and dbt's lines, after comparing lock and tree with dbt's."""
        variables = {"DBT_PACKAGE_HUB_URL": hub.url} | variables
        hub.clear()
        code, expected = dbt(self.theirs, *words, **variables)
        asked = list(hub.requests)
        hub.clear()
        own_code, said = sallyport(self.ours, *words, **variables)
        assert own_code == code, (said, expected)
        assert lock(self.ours) == lock(self.theirs)
        assert tree(self.ours) == tree(self.theirs)
        if not any(path.startswith("/t/") for path in asked):
            assert hub.requests == asked
        return code, said, expected, list(hub.requests)


def declared(text: str) -> dict[str, str]:
    return {"packages.yml": "packages:\n" + text}


# Archives


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_is_installed_as_dbt_does(tmp_path, hub, form):
    long = "macros/" + "n" * 80 + "/" + "m" * 90 + ".sql"
    hub.pages["/t/tools.tar.gz"] = package_hub.archive({
        "tools-1/": "", "tools-1/dbt_project.yml": package_hub.project("tools"), "tools-1/empty/": "",
        "tools-1/macros/a.sql": "-- a\n" * 5000, f"tools-1/{long}": "-- long\n", "tools-1/macros/ü.sql": "-- ü\n",
        "tools-1/bin/run": "#!/bin/sh\n", "tools-1/bin/odd": "x"}, form, modes={"tools-1/bin/run": 0o777, "tools-1/bin/odd": 0o626})
    pair = Pair(tmp_path, declared(f"  - tarball: {hub.url}t/tools.tar.gz\n    name: tools\n"))
    code, said, expected, _ = pair.deps(hub)
    assert code == 0 and said == expected
    assert "Installed from tarball (url: " in said and f"dbt_packages/tools/{long}" in tree(pair.ours)
    # The lock counts from now on, for either program.
    for folder, program in ((pair.ours, sallyport), (pair.theirs, sallyport), (pair.ours, dbt)):
        code, said = program(folder)
        assert code == 0 and "Updating lock file" not in said
    assert tree(pair.ours) == tree(pair.theirs)
    assert not [path for path in (pair.ours / "dbt_packages").iterdir() if path.name.startswith(".")]
    pair.write("packages.yml", f"packages:\n  - tarball: {hub.url}t/tools.tar.gz\n    name: other_name\n")
    code, said, expected, _ = pair.deps(hub)
    assert said == expected and "Updating lock file" in said
    assert [path.name for path in (pair.ours / "dbt_packages").iterdir()] == ["other_name"]


def test_what_an_archive_needs_comes_along(tmp_path, hub):
    hub.package("ns", "inner", {"1.0.0": {}})
    hub.pages["/t/outer.tgz"] = package_hub.archive({
        "outer-1/dbt_project.yml": package_hub.project("outer"), "outer-1/models/m.sql": "select 1\n",
        "outer-1/packages.yml": "packages:\n  - package: ns/inner\n    version: 1.0.0\n"})
    pair = Pair(tmp_path, {"dependencies.yml": f"packages:\n  - tarball: {hub.url}t/outer.tgz\n    name: outer\n"})
    code, said, expected, _ = pair.deps(hub)
    assert code == 0 and said == expected
    assert {"dbt_packages/outer/models/m.sql", "dbt_packages/inner/dbt_project.yml"} <= set(tree(pair.ours))


def test_links_within_a_package_are_kept(tmp_path, hub):
    m = package_hub.member
    hub.pages["/t/l.tgz"] = package_hub.tar(
        m("l", tarfile.DIRTYPE), m("l/dbt_project.yml", data=package_hub.project("l").encode()), m("l/macros", tarfile.DIRTYPE),
        m("l/macros/a.sql", data=b"-- a\n"), m("l/b.sql", tarfile.SYMTYPE, "macros/a.sql"), m("l/c.sql", tarfile.LNKTYPE, "l/macros/a.sql"))
    pair = Pair(tmp_path, declared(f"  - tarball: {hub.url}t/l.tgz\n    name: l\n"))
    code, said, expected, _ = pair.deps(hub)
    assert code == 0 and said == expected
    assert tree(pair.ours)["dbt_packages/l/b.sql"] == ("link", "macros/a.sql")
    assert (pair.ours / "dbt_packages/l/c.sql").read_text() == "-- a\n"


def test_secrets_in_an_address_stay_secret(tmp_path, hub):
    hub.pages["/t/x.tgz"] = package_hub.archive({"x-1/dbt_project.yml": package_hub.project("x"), "x-1/macros/m.sql": "--"})
    hub.pages["/t/r.tgz"] = ("redirect", "/t/x.tgz")
    address = hub.url.replace("http://", "http://{{ env_var('DBT_ENV_SECRET_USER') }}:{{ env_var('DBT_ENV_SECRET_USER') }}@")
    pair = Pair(tmp_path, declared(f"  - tarball: \"{address}t/r.tgz\"\n    name: x\n"))
    # dbt itself fills in the first of two secrets in one text only, so that it is given one.
    pair.write("packages.yml", (pair.ours / "packages.yml").read_text().replace(":{{ env_var('DBT_ENV_SECRET_USER') }}@", ":word@"))
    code, said, expected, _ = pair.deps(hub, DBT_ENV_SECRET_USER="hunter2-token")
    assert code == 0 and said == expected and "http://*****:word@" in said
    assert set(hub.authorizations) == {"Basic aHVudGVyMi10b2tlbjp3b3Jk"} and "env_var('DBT_ENV_SECRET_USER')" in lock(pair.ours)
    two = projects.write(tmp_path / "two", {"dbt_project.yml": HEADER, **declared(f"  - tarball: \"{address}t/r.tgz\"\n    name: x\n")})
    hub.clear()
    assert sallyport(two, DBT_ENV_SECRET_USER="hunter2-token")[0] == 0
    assert set(hub.authorizations) == {"Basic aHVudGVyMi10b2tlbjpodW50ZXIyLXRva2Vu"}
    code, said = sallyport(two, "--upgrade", "--lock", DBT_ENV_SECRET_USER="hunter2-token", DBT_ENV_SECRET_MORE=f"{hub.server.server_port}")
    assert code == 0 and "Detected secret env var in" in said and f":{hub.server.server_port}/" not in said + lock(two)
    code, said = sallyport(two, "--upgrade")
    assert code == 2 and "Env var required but not provided: 'DBT_ENV_SECRET_USER'" in said
    for path in [*pair.ours.rglob("*"), *two.rglob("*")]:
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path


def test_a_faulty_entry_is_shown_without_its_secret(tmp_path):
    pair = Pair(tmp_path, {})
    pair.write("packages.yml", "packages: [{git: \"file:///{{ env_var('DBT_ENV_SECRET_PART') }}\", version: 1}]\n")
    for folder, program in ((pair.ours, sallyport), (pair.theirs, dbt)):
        code, said = program(folder, DBT_ENV_SECRET_PART="hunter2")
        assert code == 2 and "'git': 'file:///*****', 'version': 1" in said and "hunter2" not in said, said


def test_secrets_in_the_address_of_a_repository_stay_secret(tmp_path):
    source = projects.write(tmp_path / "hunter2" / "repository", {"dbt_project.yml": package_hub.project("tools")})
    git = ["git", "-C", source, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet", "--initial-branch", "trunk"], ["add", "--all"], ["commit", "--quiet", "--message", "one"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    address = f"file://{tmp_path}/{{{{ env_var('DBT_ENV_SECRET_PART') }}}}/repository"
    pair = Pair(tmp_path, declared(f"  - git: \"{address}\"\n    revision: v1\n"))
    secret = {"DBT_ENV_SECRET_PART": "hunter2"}
    for program, folder in ((dbt, pair.theirs), (sallyport, pair.ours)):
        code, said = program(folder, **secret)
        assert code == 0 and "/*****/repository" in said and "hunter2" not in said
    assert lock(pair.ours) == lock(pair.theirs) and "env_var('DBT_ENV_SECRET_PART')" in lock(pair.ours)
    for path in pair.ours.rglob("*"):
        # dbt's clone keeps the address with the secret in .git/config; ours must not.
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
    pair.write("packages.yml", f"packages:\n  - git: \"{address}-gone\"\n    revision: v1\n")
    code, said = sallyport(pair.ours, **secret)
    assert code == 2 and "hunter2" not in said and "/*****/repository-gone" in said


# The index


def test_the_index_is_asked_and_obeyed_as_by_dbt(tmp_path, hub):
    hub.package("ns", "a", {
        "1.0.0": {}, "1.1.0": {"packages": [{"package": "ns/b", "version": [">=1.0.0", "<2.0.0"]}]},
        "2.0.0": {"packages": [{"package": "ns/b", "version": "2.0.0"}], "require_dbt_version": [">=1.0.0", "<9.0.0"]},
        "3.0.0": {"require_dbt_version": ">=9.0.0"}, "1.10.0": {"packages": [{"package": "ns/b", "version": ">=1.0.0"}]}})
    hub.package("ns", "b", {version: {} for version in ("1.0.0", "1.5.0", "2.0.0", "2.1.0-rc1", "2.1.0-rc2")})
    hub.package("ns", "old", {"1.0.0": {}}, redirectnamespace="new", redirectname=None)
    entry = "  - package: ns/a\n    version: {}\n"
    pair = Pair(tmp_path, declared(entry.format('[">=1.0.0", "<1.2.0"]') + "  - package: ns/old\n    version: 1.0.0\n"))
    code, said, expected, _ = pair.deps(hub)
    assert code == 0 and said == expected and "- PackageRedirectDeprecation: 1 occurrence" in said
    assert "Updated version available: 2.0.0" in said and "Up to date!" in said and "`new/old`" in said
    code, said, expected, _ = pair.deps(hub)
    assert "Updating lock file" not in said
    for version in ("1.1.0", '">1.0.0"', '[">1.0.0", ">=1.1.0", "<=2.0.0"]', '">=1.0.0"', '["<2.0.0"]', '"<=1.9.9"', '"=1.0.0"', '"2.0.0"'):
        pair.write("packages.yml", "packages:\n" + entry.format(version))
        code, said, expected, _ = pair.deps(hub)
        assert code == 0 and said == expected, version
    code, said, expected, _ = pair.deps(hub, "--upgrade")
    assert said == expected and "Updating lock file" in said
    pair.write("packages.yml", "packages:\n  - package: ns/b\n    version: '>=1.0.0'\n    install_prerelease: true\n")
    code, said, expected, _ = pair.deps(hub)
    assert said == expected and "version 2.1.0-rc2" in said
    pair.write("packages.yml", "packages:\n  - package: ns/b\n    version: ['>=2.1.0-rc1', '<2.2.0']\n")
    assert "version 2.1.0-rc2" in pair.deps(hub)[1]
    # --no-version-check takes what asks for another dbt.
    pair.write("packages.yml", "packages:\n" + entry.format('">=1.0.0"'))
    code, said, expected, _ = pair.deps(hub, "--no-version-check")
    assert said == expected and "version 3.0.0" in said


def test_only_the_lock_is_written_when_that_is_asked(tmp_path, hub):
    hub.package("ns", "a", {"1.0.0": {}})
    pair = Pair(tmp_path, declared("  - package: ns/a\n    version: 1.0.0\n"))
    code, said, expected, asked = pair.deps(hub, "--lock")
    assert code == 0 and said == expected and lock(pair.ours) and not (pair.ours / "dbt_packages").exists()
    assert asked == ["/api/v1/index.json", "/api/v1/ns/a.json"]


def test_a_package_is_added_to_the_file_as_by_dbt(tmp_path, hub):
    hub.package("ns", "a_b", {"1.0.0": {}, "1.1.0": {}})
    hub.package("ns", "c", {"1.0.0": {}})
    pair = Pair(tmp_path, {})
    for words in (
        ["ns/a_b@1.0.0"], ["ns/c@>=0.1.0,<2.0.0"], ["ns/a_b@1.1.0"], ["ns/c@1.0.0"], ["ns/c"], ["c"], ["ns/none@1.0.0"],
        ["https://git.example/a-b.git@v1", "--source", "git", "--lock"], ["lib", "--source", "local"],
    ):
        for folder in (pair.theirs, pair.ours):
            projects.write(folder / "lib", {"dbt_project.yml": package_hub.project("lib")})
        theirs = dbt(pair.theirs, "--add-package", *words, DBT_PACKAGE_HUB_URL=hub.url)
        ours = sallyport(pair.ours, "--add-package", *words, DBT_PACKAGE_HUB_URL=hub.url)
        assert ours[0] == theirs[0], (ours, theirs)
        files = [folder / "packages.yml" for folder in (pair.ours, pair.theirs)]
        assert files[0].read_text() == files[1].read_text()
        for line in ("Created packages.yml", "Found duplicate package", "Added new package"):
            # The order of what dbt shows of a removed entry changes from run to run.
            shown = [[sorted(one) for one in said.splitlines() if line in one] for _, said in (ours, theirs)]
            assert shown[0] == shown[1], (ours, theirs)
        if ours[0] == 0:
            # The hash that dbt writes now is one that it does not find again next time; ours holds.
            assert lock(pair.ours).split("sha1_hash")[0] == lock(pair.theirs).split("sha1_hash")[0]
            assert "Updating lock file" not in sallyport(pair.ours, "--lock", DBT_PACKAGE_HUB_URL=hub.url)[1]
            # The link to `lib` leads to each project's own.
            assert set(tree(pair.ours)) == set(tree(pair.theirs))
        else:
            pair.write("packages.yml", "packages:\n  - package: ns/c\n    version: 1.0.0  # once\n  - package: ns/a_b\n    version:\n    - '>=1.0.0'\n    - <2.0.0\n")


@pytest.mark.parametrize("text", [
    "  - package: ns/a\n    version: 4.0.0\n", "  - package: ns/a\n    version: ['=1.0.0', '=1.1.0']\n",
    "  - package: ns/a\n    version: ['>2.0.0', '<1.0.0']\n", "  - package: ns/none\n    version: 1.0.0\n",
    "  - package: ns/a\n    version: 1.1.0\n  - package: ns/b\n    version: 1.0.0\n",
    "  - package: ns/a\n    version: '<2.0.0-rc1'\n  - package: ns/a\n    version: '>=2.0.0'\n",
])
def test_what_cannot_be_resolved_is_said_in_dbts_words(tmp_path, hub, text):
    hub.package("ns", "a", {
        "1.0.0": {}, "1.1.0": {"packages": [{"package": "ns/b", "version": "2.0.0"}]}, "2.0.0": {}, "3.0.0": {"require_dbt_version": ">=9.0.0"}})
    hub.package("ns", "b", {"1.0.0": {}, "2.0.0": {}})
    pair = Pair(tmp_path, declared(text))
    code, said, expected, _ = pair.deps(hub)
    assert code == 2
    assert [line.strip() for line in said.splitlines()] == [line.strip() for line in expected.splitlines()]
    assert lock(pair.ours) is None and not (pair.ours / "dbt_packages").exists()


def test_an_index_that_is_none(tmp_path, hub):
    folder = projects.write(tmp_path / "p", {"dbt_project.yml": HEADER, **declared("  - package: ns/a\n    version: 1.0.0\n")})
    for page, words in ((None, "HTTP 404"), (b"<html>", "something else"), ({}, "no list"), (b"[" * 10_000, "something else")):
        hub.pages["/api/v1/index.json"] = page
        code, said = sallyport(folder, DBT_PACKAGE_HUB_URL=hub.url)
        assert code == 2 and words in said, (page, said)
    hub.pages["/api/v1/index.json"] = ["ns/a"]
    for page, words in (([], "'versions'"), ({"versions": {"1.0.0": {}}}, "'downloads'")):
        hub.pages["/api/v1/ns/a.json"] = page
        code, said = sallyport(folder, DBT_PACKAGE_HUB_URL=hub.url)
        assert code == 2 and words in said, (page, said)
    hub.pages["/api/v1/ns/a.json"] = {"versions": {"1.0.0": {"name": "../evil", "downloads": {"tarball": hub.url}}}}
    code, said = sallyport(folder, DBT_PACKAGE_HUB_URL=hub.url)
    assert code == 2 and "Invalid package name '../evil'" in said


# The way there


def test_without_a_way_there_what_was_delivered_stays(tmp_path, hub):
    folder = projects.write(tmp_path / "p", {
        "dbt_project.yml": HEADER, **declared("  - package: ns/a\n    version: 1.0.0\n"), "dbt_packages/a/dbt_project.yml": package_hub.project("a")})
    closed = hub.url.replace(str(hub.server.server_port), "1")
    code, said = sallyport(folder, DBT_PACKAGE_HUB_URL=closed)
    assert code == 0 and "[WARNING]" in said and "stays as it was delivered, whatever version it has: no connection to" in said
    assert "package: ns/a" in lock(folder)
    shutil.rmtree(folder / "dbt_packages")
    code, said = sallyport(folder, DBT_PACKAGE_HUB_URL=closed)
    assert code == 2 and "The package ns/a cannot be fetched: no connection to" in said


def test_the_egress_list_and_redirects(tmp_path, hub):
    hub.pages["/t/x.tgz"] = package_hub.archive({"x-1/dbt_project.yml": package_hub.project("x"), "x-1/macros/m.sql": "--"})
    hub.pages["/t/near"] = ("redirect", "x.tgz")
    hub.pages["/t/loop"] = ("redirect", "loop")
    hub.pages["/t/file"] = ("redirect", "file:///etc/passwd")
    with package_hub.Hub() as other:
        other.pages["/x.tgz"] = hub.pages["/t/x.tgz"]
        hub.pages["/t/far"] = ("redirect", other.url + "x.tgz")
        here = f"127.0.0.1:{hub.server.server_port}"

        def said(page: str, allow: str | None, **variables: str) -> tuple[int, str]:
            folder = projects.write(tmp_path / str(len(list(tmp_path.iterdir()))), {"dbt_project.yml": HEADER, **declared(f"  - tarball: {hub.url}t/{page}\n    name: x\n")})
            return sallyport(folder, **({"SALLYPORT_EGRESS_ALLOW": allow} if allow else {}), **variables)

        assert said("near", here)[0] == 0 and said("far", None)[0] == 0
        code, text = said("far", here)
        assert code == 2 and f"{other.url}x.tgz may not be dialed" in text and len(other.requests) == 1
        code, text = said("x.tgz", "127.0.0.1:1")
        assert code == 2 and "may not be dialed: no rule admits" in text and f"add '{here}' to SALLYPORT_EGRESS_ALLOW" in text
        code, text = said("loop", None)
        assert code == 2 and "leads on to yet another address" in text
        code, text = said("file", None)
        assert code == 2 and "leads on to an address that has a scheme other than https and http" in text


def test_the_proxy_and_the_authorities(tmp_path, hub):
    hub.pages["/x.tgz"] = package_hub.archive({"x-1/dbt_project.yml": package_hub.project("x"), "x-1/macros/m.sql": "--"})
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
         "-subj", "/CN=packages", "-addext", "subjectAltName=DNS:packages.example", "-days", "2"], check=True, capture_output=True)
    hub.secure(key, certificate)
    address = f"https://packages.example:{hub.server.server_port}/x.tgz"
    # A name that nobody knows: only the proxy, which takes everything to this machine, leads there.
    with package_hub.Tunnels() as proxy:
        proxied = {"HTTPS_PROXY": f"http://user:word@127.0.0.1:{proxy.port}", "SSL_CERT_FILE": str(certificate)}

        def said(**variables: str) -> tuple[int, str]:
            folder = projects.write(tmp_path / str(len(list(tmp_path.iterdir()))), {"dbt_project.yml": HEADER, **declared(f"  - tarball: {address}\n    name: x\n")})
            return sallyport(folder, **variables)

        assert said(**proxied)[0] == 0 and len(hub.requests) == 1
        assert proxy.asked == [f"packages.example:{hub.server.server_port}"] and proxy.authorizations == ["Basic dXNlcjp3b3Jk"]
        del proxied["SSL_CERT_FILE"]
        assert said(**proxied, REQUESTS_CA_BUNDLE=str(certificate))[0] == 0
        code, text = said(**proxied)
        assert code == 2 and f"no TLS with {address}" in text and "word" not in text
        proxied["SSL_CERT_FILE"] = str(certificate)
        own = f"127.0.0.1:{proxy.port}"
        assert said(**proxied, SALLYPORT_EGRESS_ALLOW=f"{own}, packages.example")[0] == 0
        code, text = said(**proxied, SALLYPORT_EGRESS_ALLOW="packages.example")
        assert code == 2 and f"no rule admits" in text and own in text
        code, text = said(**proxied, SALLYPORT_EGRESS_ALLOW=own)
        assert code == 2 and "no rule admits 'packages.example'" in text
        code, text = said(**proxied, NO_PROXY="packages.example")
        assert code == 2 and "the name 'packages.example' has no address" in text
        code, text = said(HTTPS_PROXY="ftp://x")
        assert code != 0 and "HTTPS_PROXY" in text
    code, text = said(**proxied)
    assert code == 2 and f"through the proxy {own}" in text


@pytest.mark.parametrize("address,words", [
    ("file:///etc/passwd", "a scheme other than https and http"), ("http://user:word@packages.example/x", "use https://"),
    ("https:// x", "characters that no URL has"), ("x.tgz", "no URL"),
])
def test_addresses_that_cannot_be_meant(tmp_path, address, words):
    folder = projects.write(tmp_path / "p", {"dbt_project.yml": HEADER, **declared(f"  - tarball: \"{address}\"\n    name: x\n")})
    code, said = sallyport(folder)
    assert code == 2 and words in said, said


# Hostile archives


def bomb() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=9) as tar:
        for index in range(6):
            info = tarfile.TarInfo(f"x/{index}")
            info.size = 100 << 20
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return out.getvalue()


M = package_hub.member
GOOD = M("x/dbt_project.yml", data=package_hub.project("x").encode())


@pytest.mark.parametrize("page,words", [
    (lambda: package_hub.tar(GOOD, M("/tmp/evil", data=b"x")), "the absolute path '/tmp/evil'"),
    (lambda: package_hub.tar(GOOD, M("x/../../evil", data=b"x")), "a path that leads out of it"),
    (lambda: package_hub.tar(GOOD, M("x/l", tarfile.SYMTYPE, "/etc/passwd")), "to the absolute path"),
    (lambda: package_hub.tar(GOOD, M("x/l", tarfile.SYMTYPE, "../../../etc")), "leads nowhere inside of it"),
    (lambda: package_hub.tar(GOOD, M("x/a/b", tarfile.DIRTYPE), M("x/a/b/up", tarfile.SYMTYPE, "../.."), M("x/l", tarfile.SYMTYPE, "a/b/up/../../../..")), "leads nowhere inside of it"),
    (lambda: package_hub.tar(GOOD, M("x/l", tarfile.SYMTYPE, ".."), M("x/l/evil", data=b"x")), "twice, and not as the same kind"),
    (lambda: package_hub.tar(GOOD, M("x/l", tarfile.LNKTYPE, "../../etc/passwd")), "a path that leads out of it"),
    (lambda: package_hub.tar(GOOD, M("x/l", tarfile.LNKTYPE, "x/later"), M("x/later", data=b"x")), "which is no file before it"),
    (lambda: package_hub.tar(GOOD, M("x/d", tarfile.CHRTYPE)), "a device or pipe"),
    (lambda: package_hub.tar(GOOD, M("x/d", tarfile.FIFOTYPE)), "a device or pipe"),
    (lambda: package_hub.tar(GOOD, M("x/d", data=b"x"), M("x/d", tarfile.DIRTYPE)), "twice, and not as the same kind"),
    (lambda: package_hub.tar(GOOD, M("y/d", data=b"x")), "beside the folder 'x'"),
    (lambda: package_hub.tar(M("dbt_project.yml", data=b"name: x")), "does not hold a folder"),
    (lambda: package_hub.tar(M("x/readme", data=b"x")), "No dbt_project.yml found"),
    (lambda: package_hub.tar(GOOD, M("x/" + "d/" * 100 + "f", data=b"x")), "more than 64 folders"),
    (lambda: gzip.compress(b"no archive" * 100), "holds a header that is none"),
    (lambda: package_hub.tar(GOOD)[:-9], "ends too early"),
    (lambda: package_hub.tar(GOOD, pack=lambda b: gzip.compress(b)[:-8] + bytes(8)), "checksum is wrong"),
    (lambda: b"<html>nothing here</html>", "is not compressed with gzip"),
    (bomb, "unpacks to more than 536870912 bytes"),
    (lambda: package_hub.endless, "holds more than 67108864 bytes"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_hostile_archive_leaves_nothing(tmp_path, hub, page, words):
    hub.pages["/t/x.tgz"] = page()
    folder = projects.write(tmp_path / "p", {
        "dbt_project.yml": HEADER, **declared(f"  - tarball: {hub.url}t/x.tgz\n    name: x\n"), "temporary/keep": ""})
    before = {path for path in tmp_path.rglob("*")}
    code, said = sallyport(folder, TMPDIR=str(folder / "temporary"))
    assert code == 2 and words in said and hub.url in said, said
    assert {path for path in tmp_path.rglob("*") if "logs" not in path.parts} == before and lock(folder) is None
    assert not os.path.exists("/tmp/evil")


def test_a_server_that_drips_is_given_up(tmp_path, hub):
    hub.pages["/t/x.tgz"] = package_hub.dripping
    folder = projects.write(tmp_path / "p", {"dbt_project.yml": HEADER, **declared(f"  - tarball: {hub.url}t/x.tgz\n    name: x\n")})
    code, said = sallyport(folder, DBT_HTTP_TIMEOUT="1")
    assert code == 2 and "took too long, or sent next to nothing" in said and len(hub.requests) == 6


def test_a_server_that_fails_for_a_while_is_asked_again(tmp_path, hub):
    good = package_hub.archive({"x-1/dbt_project.yml": package_hub.project("x"), "x-1/macros/m.sql": "--"})
    answers = ["503", good[:50], good]

    def page(handler):
        answer = answers.pop(0)
        handler.send_response(503 if answer == "503" else 200)
        handler.end_headers()
        handler.wfile.write(b"" if answer == "503" else answer)

    hub.pages["/t/x.tgz"] = page
    folder = projects.write(tmp_path / "p", {"dbt_project.yml": HEADER, **declared(f"  - tarball: {hub.url}t/x.tgz\n    name: x\n")})
    code, said = sallyport(folder)
    assert code == 0 and not answers, said
