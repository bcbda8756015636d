"""What templates of a run keep for each other in `graph`, what hooks see of results, and a model that no database here runs."""

from compare import dbt

STEPS = [
    dbt("build", code=1),
    dbt("run", "--exclude", "scored"),
    dbt("build", "--threads", "4", "--exclude", "scored", statements=False),
    dbt("compile", "--select", "scored"),
    dbt("test"),
]
