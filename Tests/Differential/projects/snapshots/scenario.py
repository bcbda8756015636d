"""Snapshots of both strategies and both styles over changed, added, removed and returning rows."""

from compare import Edit, Sql, dbt

TIMES = {"dbt_valid_from", "dbt_valid_to", "dbt_updated_at", "dbt_scd_id"}
VOLATILE = {
    "an_history.by_columns": TIMES, "an_history.by_all": TIMES, "an_history.by_time_renamed": {"until"},
    "an_history.ships_deleted": TIMES,
}

STEPS = [
    Sql("""create schema raw; create table raw.ships (id int, name varchar(8), flag text, changed_at timestamp);
           insert into raw.ships values (1, 'Anna', 'NL', '2024-01-01'), (2, 'Berta', 'DE', '2024-01-01'), (3, 'Clara', 'BE', '2024-01-01')"""),
    dbt("build"),
    dbt("snapshot"),
    Sql("""update raw.ships set flag = 'FR', changed_at = '2024-02-01' where id = 1; delete from raw.ships where id = 2;
           insert into raw.ships values (4, 'Dora', 'NO', '2024-02-01')"""),
    dbt("snapshot"),
    Sql("""alter table raw.ships add column tons int; drop view an.ships cascade; alter table raw.ships alter column name type varchar(40);
           update raw.ships set name = 'A very long ship name', tons = 7, changed_at = '2024-03-01' where id = 1;
           insert into raw.ships values (2, 'Berta', 'DE', '2024-03-01', 3)"""),
    dbt("build"),
    dbt("snapshot", "--select", "by_time", "by_columns"),
    Sql("drop table raw.ships cascade; create table raw.ships (id int, name text, flag text, changed_at timestamptz, tons int); "
        "insert into raw.ships values (1, 'Anna', 'NL', '2024-04-01 00:00:00+00', 1)"),
    dbt("build"),
    Sql("alter table an_history.by_all drop column dbt_scd_id"),
    dbt("snapshot", "--select", "by_all", code=1),
    Edit("snapshots/wrong.yml", "snapshots:\n  - name: wrong\n    relation: ref('ships')\n    config: {strategy: no_such, unique_key: id}\n"),
    dbt("snapshot", "--select", "wrong", code=1),
]
