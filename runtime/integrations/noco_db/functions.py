"""NocoDB: rows in bulk, and the addresses of the three versions of its API."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.noco_db.records import (
    get_record,
    has_workspace,
    link_fields,
    links,
    records,
    search_records,
    sort_by_rules,
    with_address,
)
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "bulk_path", "create", "delete", "get_record", "has_workspace", "link_fields", "links", "next_offset", "records", "rows_path",
    "search_records", "sort", "sort_by_rules", "update", "with_address",
]  # fmt: skip

_PAGE: Final = 100
_TABLES, _META = 3, 2
"""Versions of the API: by table, and by base and table."""


def _version(scope: Scope) -> int:
    return int(scope.parameters.get("version", scope.version))


def rows_path(scope: Scope) -> str:
    """Return where the rows of a table are. Raise NodeError for a version of the API with which n8n shows no base."""
    if "projectId" not in scope.parameters:
        raise NodeError('Could not get parameter "projectId"')
    table, base = segment(scope.parameters.get("table", "")), segment(scope.parameters.get("projectId", ""))
    if _version(scope) >= _TABLES:
        return f"/api/v2/tables/{table}/records"
    return f"/api/v1/db/data/noco/{base}/{table}" if _version(scope) == _META else f"/nc/{base}/api/v1/{table}"


def bulk_path(scope: Scope) -> str:
    """Return where several rows are written at once."""
    table, base = segment(scope.parameters.get("table", "")), segment(scope.parameters.get("projectId", ""))
    if _version(scope) >= _TABLES:
        return rows_path(scope)
    return (
        f"/api/v1/db/data/bulk/noco/{base}/{table}" if _version(scope) == _META else f"/nc/{base}/api/v1/{table}/bulk"
    )


def sort(scope: Scope) -> Any:
    """Return the order of a list: names with commas, those that fall with a minus; UNDEFINED: none."""
    given = ((scope.parameters.get("options") or {}).get("sort") or {}).get("property") or []
    names = [
        ("-" if each.get("direction") == "desc" else "") + js_string(each.get("field", UNDEFINED)) for each in given
    ]
    return ",".join(names) or UNDEFINED


def next_offset(scope: Scope) -> int:
    """Return where the next page begins."""
    return (int(scope.names["page"]) + 1) * _PAGE


def _row(scope: Scope) -> dict[str, Any]:
    """Return the columns of an item: its own, or those in the node. Raise NodeError for a file."""
    parameters = scope.parameters
    if parameters.get("dataToSend") == "autoMapInputData":
        ignored = FILTERS["split"](parameters.get("inputsToIgnore") or "")
        return {name: each for name, each in scope.item["json"].items() if name not in ignored}
    row: dict[str, Any] = {}
    for each in (parameters.get("fieldsUi") or {}).get("fieldValues") or []:
        if each.get("binaryData"):
            raise NodeError(
                "Files in fields of NocoDB are not supported",
                description="Upload the file with an HTTP Request node, and write what it answers into the field.",
                item=scope.index,
            )
        row[js_string(each.get("fieldName", UNDEFINED))] = each.get("fieldValue")
    return row


def _key(scope: Scope) -> str:
    """Return the name of the column that tells rows apart."""
    chosen = js_string(scope.parameters.get("primaryKey", "id"))
    return js_string(scope.parameters.get("customPrimaryKey", "")) if chosen == "custom" else chosen


async def _bulk(run: Run, method: str, scopes: list[Scope], rows: list[Any]) -> Any:
    return await run.request(scopes[0], method=method, path=Template("{$bulk|path}"), json=rows)


def _paired(rows: Sequence[Mapping[str, Any]]) -> Items:
    return [{"json": dict(each), "pairedItem": {"item": i}} for i, each in enumerate(rows)]


async def create(run: Run) -> Items:
    """Insert the rows of all items at once."""
    scopes = [await run.scope(i) for i in range(len(run.items))]
    rows = [_row(each) for each in scopes]
    answer = await _bulk(run, "POST", scopes, rows)
    answers = answer if isinstance(answer, list) else [answer]
    if _version(scopes[0]) >= _TABLES:
        return _paired([{**row, **_object(answers, i)} for i, row in enumerate(rows)])
    last = answers[0] if answers and isinstance(answers[0], int) else None  # the id of the last row that was inserted
    return _paired([{**row, "id": None if last is None else last - len(rows) + 1 + i} for i, row in enumerate(rows)])


async def update(run: Run) -> Items:
    """Change the rows of all items at once."""
    scopes = [await run.scope(i) for i in range(len(run.items))]
    rows, version = [_row(each) for each in scopes], _version(scopes[0])
    if version < _TABLES:
        for i, each in enumerate(scopes):
            if each.parameters.get("dataToSend") != "autoMapInputData":
                rows[i] = {_key(each): each.parameters.get("id")} | rows[i]
        await _bulk(run, "PATCH" if version == _META else "PUT", scopes, rows)
        return [{"json": {"success": True}, "pairedItem": {"item": 0}}] if version == _META else _paired(rows)
    answer = await _bulk(run, "PATCH", scopes, rows)
    answers = answer if isinstance(answer, list) else [answer]
    return _paired([{**row, **_object(answers, i)} for i, row in enumerate(rows)])


async def delete(run: Run) -> Items:
    """Delete the rows of all items at once."""
    scopes = [await run.scope(i) for i in range(len(run.items))]
    version = _version(scopes[0])
    answer = await _bulk(run, "DELETE", scopes, [{_key(each): each.parameters.get("id")} for each in scopes])
    if version < _META:
        return _paired([each["json"] for each in run.items])
    if version == _META:
        if not isinstance(answer, list):
            raise NodeError("NocoDB answered with something else than a list of what was deleted")
        return _paired([{"success": True} for _ in answer])
    return _paired(answer if isinstance(answer, list) else [])


def _object(answers: list[Any], place: int) -> Mapping[str, Any]:
    found = answers[place] if place < len(answers) else None
    return found if isinstance(found, Mapping) else {}
