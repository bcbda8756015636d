"""dbt's log file, as `sallyport dbt` writes it, holds no secret of the environment, wherever it came in."""

import os
import shutil
import subprocess

import stage

SECRET = "planted-in-the-log-5417"


def test_a_secret_on_the_command_line_is_not_kept(tmp_path):
    project = shutil.copytree(stage.HARBOR, tmp_path / "harbor", ignore=shutil.ignore_patterns("logs", "target"))
    environment = os.environ | {"DBT_ENV_SECRET_PLANTED": SECRET, "SALLYPORT_MACROS": str(stage.MACROS)}
    done = subprocess.run(
        [str(stage.BINARY), "dbt", "run-operation", "nothing_of_that_name", "--vars", f"{{a: {SECRET}}}", "--args", f"{{b: {SECRET}}}"],
        cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    log = (project / "logs" / "dbt.log").read_text()
    assert done.returncode == 2 and "running sallyport" in log and "*****" in log
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)
    assert SECRET not in done.stdout + done.stderr
