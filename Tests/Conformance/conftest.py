import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

pytest_plugins = ["conformance"]

# These two stand here and not in the plugin, because fixtures of a folder count more than those of dbt's own plugin.


@pytest.fixture(scope="class")
def logs_dir(prefix, tmp_path_factory):
    """The folder of dbt's log, outside of the tree."""
    folder = str(tmp_path_factory.mktemp("logs") / prefix)
    os.environ["DBT_LOG_PATH"] = folder
    yield folder
    del os.environ["DBT_LOG_PATH"]


@pytest.fixture(scope="class")
def unique_schema(request, prefix) -> str:
    """As dbt's own, with the name of the file that a class comes from: some tests expect it in statements."""
    return f"{prefix}_{getattr(request.cls, 'schema_suffix', request.module.__name__.rpartition('.')[2])}"
