"""A secret that a project needs leaves no trace in logs, failures, history or artifacts."""

import json

import proof
import projects

SECRET = "kept-between-us-4711"
FILES = {
    # Uses of the secret that work, uses that fail loudly with the value in the server's message, and a test that prints rows.
    "macros/key.sql": "{% macro key() %}{{ return(target.password if target.password is defined else '') }}{% endmacro %}",
    "models/fine.sql": "select 1 as id",
    "models/leaky.sql": "{{ config(materialized='table') }} select '" + "{{ env_var('HARBOR_KEY') }}" + "'::integer as id",
    "models/properties.yml": "models:\n  - name: fine\n    columns:\n      - name: id\n        data_tests:\n"
    "          - accepted_values: {arguments: {values: [2]}}\n",
    "seeds/codes.csv": "id,name\n1,one\n",
}


def test_no_trace_after_a_run_on_the_scheduler(stage, tmp_path):
    project = projects.project(tmp_path / "p", FILES)
    # The variable's own value is a secret by its name; the password stands in a mounted file.
    project.joinpath("models/leaky.sql").write_text(FILES["models/leaky.sql"].replace("HARBOR_KEY", "DBT_ENV_SECRET_HARBOR_KEY"))
    worker = stage.worker(name="discreet", project=project, DBT_ENV_SECRET_HARBOR_KEY=SECRET, RUST_LOG="debug", LOG_LEVEL="debug").start()
    done = stage.sallyport("submit", "build", "--workflow-id", "discreet")
    assert done.returncode in (1, 2), done.stdout + done.stderr
    texts = {
        "the worker's log": worker.log.read_text(), "the submitter's output": done.stdout + done.stderr,
        "the history": json.dumps(stage.temporal.history("discreet")), "all logs": stage.logs(),
        "/healthz": worker.health("/healthz")[1], "/metrics": worker.health("/metrics")[1],
    }
    assert worker.stop() == 0
    assert proof.leaks(stage, texts, {"the secret variable": SECRET}) == []


def test_no_trace_on_the_command_line_and_in_artifacts(stage, tmp_path):
    profile = (
        "harbor:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: 127.0.0.1, port: %d, user: harbor, dbname: harbor, schema: secretive, "
        "password: \"{{ env_var('DBT_ENV_SECRET_PASSWORD') }}\"}\n" % stage.postgres.port)
    files = {**FILES, "profiles.yml": profile}
    del files["models/leaky.sql"]
    # The server quotes the failing value: the password, by a detour that no rule forbids.
    files["models/quoted.sql"] = "{{ config(materialized='table') }} select '" + SECRET + "'::integer as id"
    project = projects.project(tmp_path / "p", files)
    target = tmp_path / "target"
    done = stage.sallyport(
        "dbt", "build", "--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target), "--debug",
        DBT_ENV_SECRET_PASSWORD=stage.postgres.password, DBT_ENV_SECRET_OTHER=SECRET)
    assert done.returncode == 1, done.stdout + done.stderr
    texts = {"the output": done.stdout + done.stderr}
    written = [path for path in target.rglob("*") if path.is_file()]
    assert {"manifest.json", "run_results.json"} <= {path.name for path in written}
    results = (target / "run_results.json").read_text()
    assert "*****" in results, "the planted value never reached an artifact: the test proved nothing"
    assert proof.leaks(stage, texts | {"run_results.json": results}, {"the secret variable": SECRET}) == []
    for path in written:
        if path.name != "manifest.json" and "compiled" not in path.parts and "run" not in path.parts:
            assert SECRET not in path.read_text(errors="replace"), path
        assert stage.postgres.password not in path.read_text(errors="replace"), path
