"""A manifest without what differs from run to run, so that two can be compared."""

from __future__ import annotations

# Fields that say when or where a run happened.
VOLATILE = {"created_at", "root_path"}
# Lists whose order means nothing to dbt: those it makes of sets, and the members of the groups.
UNORDERED = {"macros", "nodes", "finance", "people"}


def settled(value, key: str = ""):
    if isinstance(value, dict):
        return {name: settled(entry, name) for name, entry in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        items = [settled(entry) for entry in value]
        return sorted(items) if key in UNORDERED and all(isinstance(item, str) for item in items) else items
    return value
