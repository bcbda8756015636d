"""Reading workflow histories that the official command line printed as JSON."""

from __future__ import annotations

import base64
import collections
import json


def events(history: dict, kind: str) -> list[dict]:
    """The attributes of every event of one kind, such as `ActivityTaskScheduled`, with the event's id."""
    field = kind[0].lower() + kind[1:] + "EventAttributes"
    return [{"eventId": event["eventId"], **event[field], "userMetadata": event.get("userMetadata")}
            for event in history["events"] if field in event]


def decoded(payload):
    """The value of a payload. The command line writes JSON payloads out as plain values, others as metadata and data."""
    if isinstance(payload, dict) and set(payload) == {"metadata", "data"}:
        return json.loads(base64.b64decode(payload["data"]))
    return payload


def node_activities(history: dict) -> dict[str, dict]:
    """For each `execute_node` activity by its id: its schedule event, summary, attempts and outcome."""
    nodes = {}
    by_event = {}
    for scheduled in events(history, "ActivityTaskScheduled"):
        if scheduled["activityType"]["name"] != "execute_node":
            continue
        summary = (scheduled["userMetadata"] or {}).get("summary")
        node = {"summary": decoded(summary) if summary else None, "attempts": 0, "outcomes": [],
                "input": decoded(scheduled["input"]["payloads"][0])}
        assert scheduled["activityId"] not in nodes, "one activity id scheduled twice"
        nodes[scheduled["activityId"]] = by_event[scheduled["eventId"]] = node
    for kind in ("Started", "Completed", "Failed", "TimedOut", "Canceled"):
        for event in events(history, f"ActivityTask{kind}"):
            node = by_event.get(event["scheduledEventId"])
            if node is None:
                continue
            if kind == "Started":
                node["attempts"] = event.get("attempt", 1)
            else:
                node["outcomes"].append(kind)
    return nodes


def outcome_counts(history: dict) -> collections.Counter:
    return collections.Counter(outcome for node in node_activities(history).values() for outcome in node["outcomes"])


def close_kind(history: dict) -> str:
    return history["events"][-1]["eventType"].removeprefix("EVENT_TYPE_WORKFLOW_EXECUTION_")
