"""Every incremental strategy, every answer to a changed schema, and microbatches."""

from compare import Sql, dbt

SPAN = ("--event-time-start", "2024-03-01", "--event-time-end", "2024-03-04")

STEPS = [
    Sql("""create schema raw; create table raw.calls (id int, port text, tons numeric(10, 2), called_at timestamp);
           insert into raw.calls values (1, 'Hamburg', 10.5, '2024-03-01 10:00'), (2, 'Rotterdam', 20, '2024-03-02 11:00'),
           (3, 'Antwerp', null, '2024-03-03 12:00')"""),
    dbt("build", *SPAN),
    Sql("""update raw.calls set tons = 99, port = 'HAMBURG' where id = 1; insert into raw.calls values
           (4, 'Oslo', 4, '2024-03-03 13:00')"""),
    dbt("run", *SPAN, code=1),
    dbt("run", "--select", "on_ignore", "on_append_new_columns", "on_sync_all_columns", "on_fail", "widened", "--vars",
        "{wide: true, width: 30}", code=1),
    dbt("run", "--select", "by_day", *SPAN, "--vars", "{broken_day: '20240302'}", code=1),
    dbt("run", "--select", "by_day", *SPAN, "--full-refresh", "--vars", "{broken_day: '20240301'}", code=1),
    dbt("run", "--select", "by_day", *SPAN, "--full-refresh"),
    dbt("run", "--select", "odd", "--vars", "{odd_strategy: own_way}"),
    dbt("run", "--select", "odd", "--vars", "{odd_strategy: insert_overwrite}", code=1),
    dbt("run", "--select", "odd", "--vars", "{odd_strategy: no_such}", code=1),
    dbt("run", "--empty", "--exclude", "by_day", "by_month", "no_key"),
    dbt("run", "--full-refresh", "--exclude", "by_day", "by_month", "no_key"),
    dbt("run", "--select", "events", "appended", "--full-refresh", "--sample", "{start: '2024-03-02', end: '2024-03-03'}"),
    dbt("run", "--select", "by_day", "--full-refresh", "--sample", "{start: '2024-03-02', end: '2024-03-03 12:30:00'}"),
]
