"""Relations that change their kind, materialized views, functions, seeds, hooks in and out of transactions, grants, comments."""

from compare import Edit, Sql, dbt

STEPS = [
    Sql("do $$ begin if not exists (select from pg_roles where rolname = 'reader') then create role reader; create role writer; end if; end $$"),
    dbt("build"),
    dbt("build"),
    # One change of an index at a time, and one column in it: dbt keeps both in Python sets, whose order is another in each process.
    dbt("run", "--select", "mv", "--vars", "{more: true}"),
    dbt("run", "--select", "mv", "--vars", "{indexed: rate, on_change: continue}"),
    dbt("run", "--select", "mv", "--vars", "{indexed: rate, on_change: fail}", code=1),
    dbt("run", "--select", "mv"),
    dbt("run", "--select", "mv", "--full-refresh"),
    dbt("run", "--select", "changing+", "--vars", "{kind: view}"),
    dbt("run", "--select", "changing+", "--vars", "{kind: materialized_view}", code=1),
    dbt("run", "--select", "changing+", "--vars", "{kind: incremental}", code=1),
    dbt("run", "--select", "changing+", "--vars", "{kind: incremental}", "--full-refresh"),
    dbt("run", "--select", "changing+", "--vars", "{kind: ephemeral}"),
    dbt("run", "--select", "changing+"),
    dbt("run", "--select", "granted+", "granted_incremental", "--vars", "{fewer: true}"),
    dbt("build", "--select", "twice+", "--vars", "{k: 3}"),
    Edit("seeds/rates.csv", "code,rate,since,open\nA,2.5,2024-01-01,true\nC,1,2024-03-01,\n"),
    dbt("seed"),
    dbt("seed", "--full-refresh"),
    dbt("compile"),
    Edit("models/wrong.sql", "select * from {{ ref('rates') }} where no_such_column = 1\n"),
    Edit("models/after_wrong.sql", "select * from {{ ref('wrong') }}\n"),
    dbt("build", code=1),
]
