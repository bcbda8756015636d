"""One PostgreSQL that logs every statement, for all projects of the comparison."""

import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "Integration")]

import pytest  # noqa: E402

import stage as stage_module  # noqa: E402


@pytest.fixture(scope="session")
def postgres():
    if not stage_module.BINARY.exists():
        pytest.fail(f"{stage_module.BINARY} is missing: run `make release`, or set SALLYPORT_BINARY")
    with tempfile.TemporaryDirectory(prefix="sallyport-diff-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        server = stage_module.Postgres(folder, ("log_statement=all", "log_line_prefix=%p|%d| "))
        yield server
        server.stop()
