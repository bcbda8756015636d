"""Clones of an earlier run's relations, in another schema, with some that exist already and one that fails."""

from compare import dbt

STEPS = [
    dbt("build", "--target-path", "earlier"),
    dbt("clone", "--state", "earlier", CLONES_PLACE="second"),
    dbt("clone", "--state", "earlier", CLONES_PLACE="second"),
    dbt("clone", "--state", "earlier", "--full-refresh", "--select", "below+", CLONES_PLACE="second"),
    # What stands below a clone that fails is cloned all the same.
    dbt("clone", "--state", "earlier", "--vars", "{broken: base}", code=1, CLONES_PLACE="third"),
]
