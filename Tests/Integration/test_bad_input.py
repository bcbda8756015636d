"""Projects and requests with a fault: the error names file, line and excerpt, nothing hangs, the worker takes the next run."""

import json

import histories
import projects
import pytest

GOOD = {"models/one.sql": "select 1 as id"}

# For each fault: the files, the exit code of `sallyport dbt run`, and what its output must say.
FAULTS = {
    "bad YAML": (GOOD | {"models/properties.yml": "models:\n  - name: one\n   columns: [\n"}, 2, ["models/properties.yml", "3"]),
    "unknown ref": (GOOD | {"models/two.sql": "select *\nfrom {{ ref('nowhere') }}"}, 2, ["models/two.sql", "nowhere"]),
    "Jinja error": (GOOD | {"models/two.sql": "select 1\n{% if %}\nfrom x"}, 2, ["models/two.sql", "line 2", "{% if %}"]),
    "SQL error": (GOOD | {"models/two.sql": "select 1 as id\nfrom\n  nowhere_at_all"}, 1, ["models/two.sql", "nowhere_at_all", "LINE"]),
    "cycle": ({"models/a.sql": "select * from {{ ref('b') }}", "models/b.sql": "select * from {{ ref('a') }}"}, 2, ["Found a cycle", "model.harbor.a"]),
    "duplicate model": (GOOD | {"models/deep/one.sql": "select 2 as id"}, 2, ["one", "models/one.sql", "models/deep/one.sql"]),
    "endless template": (GOOD | {"models/two.sql": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}select 1"}, 2, ["models/two.sql", "limit"]),
    "endless recursion": (GOOD | {"macros/m.sql": "{% macro m() %}{{ m() }}{% endmacro %}", "models/two.sql": "select {{ m() }}"}, 2, ["models/two.sql"]),
}


def run_dbt(stage, project, *words, **environment):
    return stage.sallyport(
        "dbt", *words, "--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(project.parent / "target"), seconds=60,
        **environment)


def with_profile(stage, folder, files):
    profile = (
        "harbor:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: 127.0.0.1, port: %d, user: harbor, dbname: harbor, schema: bad, "
        "password: \"{{ env_var('DBT_ENV_SECRET_PASSWORD') }}\"}\n" % stage.postgres.port)
    return projects.project(folder, files | {"profiles.yml": profile})


@pytest.mark.parametrize("fault", FAULTS)
def test_the_command_line_names_the_fault(stage, tmp_path, fault):
    files, code, words = FAULTS[fault]
    project = with_profile(stage, tmp_path / "p", files)
    done = run_dbt(stage, project, "run", DBT_ENV_SECRET_PASSWORD=stage.postgres.password)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert all(word in said for word in words), said


def test_missing_profile(stage, tmp_path):
    project = projects.project(tmp_path / "p", GOOD)
    done = run_dbt(stage, project, "run")
    assert done.returncode == 2
    assert "profiles.yml" in done.stdout + done.stderr


def test_missing_environment_variable(stage, tmp_path):
    project = with_profile(stage, tmp_path / "p", GOOD)
    done = run_dbt(stage, project, "run")
    assert done.returncode == 2
    assert "DBT_ENV_SECRET_PASSWORD" in done.stdout + done.stderr


def test_unknown_command(stage):
    done = stage.sallyport("dbt", "levitate")
    assert done.returncode == 2 and "levitate" in done.stdout + done.stderr


def test_the_worker_stays_up_after_each_bad_run(stage, tmp_path):
    """One worker, a project whose nodes fail each in its own way, malformed requests between: then a good run."""
    project = projects.project(tmp_path / "p", GOOD | {
        "models/sql_error.sql": "{{ config(materialized='table') }} select * from nowhere_at_all",
        "models/jinja_error.sql": "{% if execute %}{{ exceptions.raise_compiler_error('not today') }}{% endif %} select 1",
    })
    worker = stage.worker(name="steady", project=project).start()
    requests = ['{"command":"run"}', "[1, 2]", '"text"', '{"command": {"deep": []}}', '{"command":"run","select":"one"}']
    kinds = []
    for index, request in enumerate(requests):
        workflow = f"bad-{index}"
        stage.temporal.cli("workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", workflow, "--input", request)
        stage.temporal.cli("workflow", "result", "--workflow-id", workflow, check=False, seconds=60)
        history = stage.temporal.history(workflow)
        kinds.append(histories.close_kind(history))
        if index == 0:
            text = json.dumps(histories.events(history, "WorkflowExecutionFailed"))
            assert "failed: 2 node(s) errored" in text or "2 node(s)" in text, text
    assert kinds == ["FAILED", "FAILED", "FAILED", "FAILED", "COMPLETED"]
    stage.temporal.cli("workflow", "start", "--type", "unheard_of", "--task-queue", "dbt-tasks", "--workflow-id", "unheard", "--input", "{}")
    assert worker.health()[0] == 200
    assert worker.stop() == 0
    stage.temporal.cli("workflow", "terminate", "--workflow-id", "unheard")


def test_a_worker_whose_project_does_not_load_says_so(stage, tmp_path):
    project = projects.project(tmp_path / "p", {"models/two.sql": "select * from {{ ref('nowhere') }}"})
    worker = stage.worker(name="broken-project", project=project).start()
    stage.temporal.cli("workflow", "start", "--type", "dbt_run", "--task-queue", "dbt-tasks", "--workflow-id", "broken", "--input", "{}")
    stage.temporal.cli("workflow", "result", "--workflow-id", "broken", check=False, seconds=60)
    history = stage.temporal.history("broken")
    assert histories.close_kind(history) == "FAILED"
    text = json.dumps(histories.events(history, "WorkflowExecutionFailed"))
    assert "nowhere" in text and "models/two.sql" in text
    assert worker.stop() == 0
