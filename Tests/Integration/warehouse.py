"""What stands in a database: every relation's kind, columns and rows, so that two databases can be compared."""

from __future__ import annotations

# Columns that say when a run happened.
VOLATILE = {"dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_scd_id"}


def contents(postgres, database: str) -> dict:
    relations = postgres.execute(
        "select n.nspname, c.relname, c.relkind::text, obj_description(c.oid, 'pg_class') from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'harbor%' and c.relkind in ('r', 'v', 'm', 'p')",
        database=database)
    found = {}
    for schema, name, kind, comment in relations:
        columns = postgres.execute(
            "select a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum) from pg_attribute a "
            f"where a.attrelid = '\"{schema}\".\"{name}\"'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum",
            database=database)
        indexes = postgres.execute(
            "select array_agg(pg_get_indexdef(i.indexrelid, k, false) order by k)::text, i.indisunique from pg_index i, "
            f"generate_series(1, i.indnatts) k where i.indrelid = '\"{schema}\".\"{name}\"'::regclass group by i.indexrelid, i.indisunique",
            database=database)
        # Snapshots by the check strategy carry the time of the run; by timestamp they carry the data's own.
        stable = [column for column, _, _ in columns if not (name == "berth_fees" and column in VOLATILE)]
        picked = ", ".join(f'"{column}"' for column in stable)
        rows = postgres.execute(f'select {picked} from "{schema}"."{name}"', database=database)
        found[f"{schema}.{name}"] = {
            "kind": kind, "comment": comment, "columns": columns, "indexes": sorted(indexes),
            "rows": sorted(rows, key=repr)}
    return found
