import pathlib
import sys

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
