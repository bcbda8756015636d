"""dbt's public adapter tests (dbt-tests-adapter), as many of them as apply to PostgreSQL: one class for each entry of suite.py."""

from suite import classes

globals().update(classes())
