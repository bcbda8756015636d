"""The executable's structured log lines as dbt's own event messages."""

from __future__ import annotations

import json
import pathlib
import types

from google.protobuf import json_format

import dbt.adapters.events.types as adapter_events
import dbt.events.types as core_events
import dbt_common.events.types as common_events


class Tail:
    """What is added to a log file from now on."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.offset = path.stat().st_size if path.exists() else 0

    def read(self) -> list:
        if not self.path.exists():
            return []
        with open(self.path, encoding="utf-8", errors="replace") as file:
            file.seek(self.offset)
            lines = file.read().splitlines()
        return [message(json.loads(line)) for line in lines if line.startswith("{")]


def message(line: dict):
    """The protobuf message of a line; a plain object for names that dbt does not have."""
    name = line["info"]["name"]
    for module in (core_events, adapter_events, common_events):
        event = getattr(module, name, None)
        if event is None:
            continue
        made = getattr(event.PROTO_TYPES_MODULE, f"{name}Msg")()
        return json_format.ParseDict(line, made, ignore_unknown_fields=True)
    return types.SimpleNamespace(info=types.SimpleNamespace(**line["info"]), data=types.SimpleNamespace(**line["data"]))
