"""What single classes of the public suite need to be told about PostgreSQL, or expect to lie beside them."""

from __future__ import annotations

import pathlib

import pytest
from dbt.tests.adapter.materialized_view.changes import MaterializedViewChanges
from dbt.tests.adapter.simple_seed import seeds
from dbt.tests.util import get_model_file, set_model_file

# The columns that hooks of the suite write what they see to.
HOOK_COLUMNS = (
    "test_state", "target_dbname", "target_host", "target_name", "target_schema", "target_type", "target_user",
    "target_pass", "target_threads", "run_started_at", "invocation_id", "thread_id")


class HookTables:
    """Two files of SQL that make the tables which hooks write to."""

    @pytest.fixture(scope="class")
    def test_data_dir(self, tmp_path_factory) -> pathlib.Path:
        folder = tmp_path_factory.mktemp("hooks")
        columns = ", ".join(f"{name} {'integer' if name == 'target_threads' else 'text'}" for name in HOOK_COLUMNS)
        for file, table in (("seed_model.sql", "on_model_hook"), ("seed_run.sql", "on_run_hook")):
            (folder / file).write_text(
                f"drop table if exists {{schema}}.{table};\ncreate table {{schema}}.{table} ({columns});\n")
        return folder


class DefaultArguments:
    """PostgreSQL's functions have defaults for arguments."""

    expect_default_arg_support = True


class ShortAuditSchema:
    """PostgreSQL cuts names of schemas to 63 bytes."""

    @pytest.fixture(scope="function", autouse=True)
    def setup_audit_schema(self, project, setup_method):
        self.audit_schema = self.audit_schema[:63]


class QueryCommentVersions:
    """The comparison takes the version of dbt-core for that of dbt-postgres."""

    @pytest.mark.skip("compares the version of dbt-core with that of dbt-postgres")
    def test_matches_comment(self):
        pass


class SeedFolder:
    """A test that makes a file beside itself gets a folder of its own instead."""

    @pytest.fixture(scope="class")
    def test_data_dir(self, tmp_path_factory) -> pathlib.Path:
        return tmp_path_factory.mktemp("seeds") / "data"


class SeedWithByteOrderMark:
    """A test that reads a file beside itself: the suite's own seed after a byte order mark."""

    @pytest.fixture(scope="class")
    def project(self, project_setup, project_files, tmp_path_factory):
        folder = tmp_path_factory.mktemp("seeds")
        (folder / "seed_bom.csv").write_text(seeds.seed__actual_csv.lstrip(), encoding="utf-8-sig")
        project_setup.test_dir = folder
        return project_setup


MATERIALIZED_VIEW = """
{{ config(materialized='materialized_view', indexes=[{'columns': ['id']}]) }}
select * from {{ ref('my_seed') }}
"""


def relation_type(project, relation) -> str | None:
    """What a relation is in the catalog; None when it is not there."""
    names = {"r": "table", "v": "view", "m": "materialized_view"}
    rows = project.run_sql(
        "select c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        f"where n.nspname = '{relation.schema}' and c.relname = '{relation.identifier}'", fetch="all")
    return names.get(rows[0][0]) if rows else None


def indexed_columns(project, relation) -> list[str]:
    """The columns of each index of a relation, joined by commas."""
    rows = project.run_sql(
        "select (select string_agg(a.attname, ',' order by a.attnum) from pg_attribute a where a.attrelid = t.oid "
        "and a.attnum = any(i.indkey)) from pg_index i join pg_class t on t.oid = i.indrelid "
        "join pg_namespace n on n.oid = t.relnamespace "
        f"where n.nspname = '{relation.schema}' and t.relname = '{relation.identifier}'", fetch="all")
    return [row[0] for row in rows]


class MaterializedViews:
    """How materialized views are looked at and refreshed."""

    @pytest.fixture(scope="class", autouse=True)
    def models(self):
        from dbt.tests.adapter.materialized_view import files

        yield {
            "my_table.sql": files.MY_TABLE, "my_view.sql": files.MY_VIEW, "my_materialized_view.sql": MATERIALIZED_VIEW}

    @staticmethod
    def insert_record(project, table, record):
        project.run_sql(f"insert into {table} (id, value) values ({record[0]}, {record[1]})")

    @staticmethod
    def refresh_materialized_view(project, materialized_view):
        project.run_sql(f"refresh materialized view {materialized_view}")

    @staticmethod
    def query_row_count(project, relation) -> int:
        return project.run_sql(f"select count(*) from {relation}", fetch="one")[0]

    @staticmethod
    def query_relation_type(project, relation) -> str | None:
        return relation_type(project, relation)


class MaterializedViewChangesOnPostgres(MaterializedViews, MaterializedViewChanges):
    """A change that can be applied in place is one of the indexes; none forces a replacement."""

    @staticmethod
    def check_start_state(project, materialized_view):
        assert indexed_columns(project, materialized_view) == ["id"]

    @staticmethod
    def change_config_via_alter(project, materialized_view):
        model = get_model_file(project, materialized_view)
        set_model_file(project, materialized_view, model.replace("['id']", "['value']"))

    @staticmethod
    def check_state_alter_change_is_applied(project, materialized_view):
        assert indexed_columns(project, materialized_view) == ["value"]

    @staticmethod
    def change_config_via_replace(project, materialized_view):
        pass

    @pytest.mark.skip("no change of a PostgreSQL materialized view forces a replacement")
    def test_change_is_applied_via_replace(self):
        pass

    @pytest.mark.skip("no change of a PostgreSQL materialized view forces a replacement")
    def test_change_is_not_applied_via_replace(self):
        pass
