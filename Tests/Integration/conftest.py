import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import stage as stage_module  # noqa: E402


def pytest_configure(config):
    missing = [str(path) for path in (stage_module.BINARY, stage_module.VENV, stage_module.MACROS) if not path.exists()]
    if missing:
        raise pytest.UsageError(f"missing: {', '.join(missing)}; run `make setup release` first")


@pytest.fixture(scope="module")
def stage():
    """PostgreSQL, Temporal and nginx demanding a client certificate; shared by the tests of one file."""
    with stage_module.Stage() as parts:
        yield parts


@pytest.fixture
def fresh_stage():
    """As `stage`, for a test that breaks its parts."""
    with stage_module.Stage() as parts:
        yield parts


@pytest.fixture
def tmp_path():
    """A folder that the worker's own user may enter, unlike pytest's."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
