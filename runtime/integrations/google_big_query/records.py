"""The operations on records that version 1 of n8n's node has: rows of the items' members, and rows of a table as items."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from runtime.contract import Items
from runtime.integrations.answers import iterated, member_of_answer, unreadable
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED, PairedItem

__all__ = ["create_records", "simple_records"]


async def create_records(run: Run) -> Items:
    """Insert a row per item, all in one request; the first item says where and which members. Raise NodeError."""

    async def send() -> Items:
        first = await run.scope(0)
        rows = [{"json": _row(each.get("json"), (await run.scope(i)).parameters)} for i, each in enumerate(run.items)]
        body = {"traceId": str(uuid4()), **(first.parameters.get("options") or {}), "rows": rows}
        path = Template("{$table|path}/insertAll")
        answer = await run.request(first, method="POST", path=path, json=body)
        pairs: list[PairedItem] = [{"item": i} for i in range(len(run.items))]
        return [{"json": answer, "pairedItem": pairs}]

    return await run.once(0, send)


def _row(item: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    names = [each.strip() for each in js_string(parameters.get("columns") or "").split(",")]
    return {name: item[name] for name in names if isinstance(item, Mapping) and name in item}


def simple_records(scope: Scope) -> list[Any]:
    """Return rows under the names of the table's fields, or of those that are chosen. Raise ThrownError as n8n's code fails."""
    chosen = (scope.parameters.get("options") or {}).get("selectedFields")
    if chosen:
        names = js_string(chosen).split(",")
    else:
        schema = member_of_answer(scope.names["described"], "schema")
        if schema is UNDEFINED or schema is None:
            raise unreadable(schema, "fields", scope.index)
        names = [each.get("name") for each in member_of_answer(schema, "fields")]
    rows = scope.names["items"]
    return [_record(names, member_of_answer(each, "f")) for each in iterated(rows, "rows")]


def _record(names: list[Any], cells: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for i, name in enumerate(names):
        if not isinstance(cells, list) or i >= len(cells):
            raise unreadable(UNDEFINED, "v")
        made[js_string(name)] = cells[i].get("v")
    return made
