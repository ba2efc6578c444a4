"""Small exports that the API's tests publish."""

from itertools import pairwise
from typing import Any


def export(name: str, *nodes: dict[str, Any], settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """A workflow whose nodes follow each other in order."""
    connections = {
        one["name"]: {"main": [[{"node": other["name"], "type": "main", "index": 0}]]} for one, other in pairwise(nodes)
    }
    return {
        "name": name,
        "nodes": list(nodes),
        "connections": connections,
        "settings": {"executionOrder": "v1", "timezone": "UTC"} | (settings or {}),
    }


def node(name: str, type_: str, version: float = 1, **parameters: Any) -> dict[str, Any]:
    """A node; keyword arguments are its parameters."""
    return {
        "id": name.lower(),
        "name": name,
        "type": f"n8n-nodes-base.{type_}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters,
    }


def set_(name: str, **fields: str) -> dict[str, Any]:
    """A Set node that writes these string fields and keeps the rest."""
    assignments = [{"id": key, "name": key, "value": value, "type": "string"} for key, value in fields.items()]
    return node(name, "set", 3.4, assignments={"assignments": assignments}, includeOtherFields=True, options={})


def greeting() -> dict[str, Any]:
    """Trigger, then a greeting made of the input's name."""
    return export(
        "Greeting",
        node("Start", "manualTrigger"),
        set_("Greet", greeting="=Hello {{ $json.name }}"),
        node("End", "noOp"),
    )


def failing() -> dict[str, Any]:
    """Trigger, then an error that the author wrote."""
    return export(
        "Failing",
        node("Start", "manualTrigger"),
        set_("Before", reached="yes"),
        node("Refuse", "stopAndError", errorMessage="=No {{ $json.name }} today"),
    )


def waiting(seconds: int = 60) -> dict[str, Any]:
    """Trigger, then a wait."""
    return export(
        "Waiting",
        node("Start", "manualTrigger"),
        set_("Before", reached="yes"),
        node("Wait", "wait", 1.1, resume="timeInterval", amount=seconds, unit="seconds"),
        node("End", "noOp"),
    )
