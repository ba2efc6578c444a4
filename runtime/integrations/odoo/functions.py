"""Odoo: its methods over JSON-RPC, after one login for all items."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.contract import Item, Items, NodeError
from runtime.integrations.filters import leading_integer
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

_IDS: Final = {"contact": "contactId", "custom": "customResourceId", "note": "noteId", "opportunity": "opportunityId"}


async def call_each(run: Run) -> Items:
    """Sign in and do the operation for each item. Raise NodeError."""
    first = await run.scope(0)
    given = first.credential
    login = [_database(given), given.get("username"), given.get("password")]
    user = await _call(run, first, "common", "login", login)

    async def work(scope: Scope) -> Items:
        async def execute(method: str, *arguments: Any) -> Any:
            who = [_database(given), None if user is UNDEFINED else user, given.get("password")]
            return await _call(run, scope, "object", "execute", [*who, _model(scope), method, *arguments])

        return [{"pairedItem": {"item": scope.index}, **each} for each in await _done(scope, execute)]

    return await run.each(work)


def _database(given: Mapping[str, Any]) -> str:
    """Return the database of a credential; without one the first name of the address."""
    host = urlsplit(js_string(given.get("url") or "")).hostname or ""
    return js_string(given.get("db") or "") or host.partition(".")[0]


def _model(scope: Scope) -> Any:
    resource = js_string(scope.parameters.get("resource", UNDEFINED))
    return scope.parameters.get("customResource") if resource == "custom" else scope.tables["models"].get(resource)


async def _call(run: Run, scope: Scope, service: str, method: str, arguments: list[Any]) -> Any:
    """Return what a method gives; UNDEFINED where the answer has no result. Raise NodeError."""
    params = {"service": service, "method": method, "args": arguments}
    body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
    answer = await run.request(scope, method="POST", path="/jsonrpc", json=body)
    return answer.get("result", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED


async def _done(scope: Scope, execute: Any) -> list[Item]:
    """Return what an operation gives. Raise NodeError."""
    parameters, operation = scope.parameters, scope.parameters.get("operation")
    id_ = parameters.get(_IDS[js_string(parameters.get("resource", UNDEFINED))])
    if operation == "create":
        made = await execute("create", _fields(scope))
        return [{"json": {} if made is UNDEFINED else {"id": made}}]
    if operation == "update":
        if not (fields := _fields(scope)):
            raise NodeError("Please specify at least one field to update", item=scope.index)
        await execute("write", _ids(id_), fields)
        return [{"json": {"id": id_}}]
    if operation == "delete":
        await execute("unlink", _ids(id_))
        return [{"json": {"success": True}}]
    names = list((parameters.get("options") or {}).get("fieldsList") or [])
    if operation == "get":
        found = await execute("read", _ids(id_), names)
    else:
        limit = 0 if truthy(parameters.get("returnAll")) else parameters.get("limit")
        found = await execute("search_read", _conditions(scope), names, 0, limit)
    return [{"json": each} for each in (found if isinstance(found, list) else [])]


def _ids(id_: Any) -> list[Any]:
    """Return the id as Odoo wants it. Raise NodeError for what is no number."""
    number = leading_integer(id_)
    if not isinstance(number, int):
        raise NodeError(f"Please specify a valid ID: {js_string(id_)}")
    return [number]


def _conditions(scope: Scope) -> list[Any]:
    given = (scope.parameters.get("filterRequest") or {}).get("filter") or []
    operators = scope.tables["operators"]
    return [
        [each.get("fieldName"), operators.get(js_string(each.get("operator", UNDEFINED))), each.get("value", "")]
        for each in given
    ]


def _fields(scope: Scope) -> dict[str, Any]:
    """Return the fields of a record to create or to change."""
    parameters, resource = scope.parameters, scope.parameters.get("resource")
    if resource == "custom":
        pairs = (parameters.get("fieldsToCreateOrUpdate") or {}).get("fields") or []
        return {js_string(each.get("fieldName", UNDEFINED)): each.get("fieldValue", "") for each in pairs}
    if resource == "note":
        return {"memo": parameters.get("memo")}
    made: dict[str, Any] = {}
    if parameters.get("operation") == "create":
        made["name"] = parameters.get("contactName" if resource == "contact" else "opportunityName")
    for name, each in (parameters.get("additionalFields") or parameters.get("updateFields") or {}).items():
        if name == "address":
            made |= dict((each or {}).get("value") or {})
        else:
            made[name] = each
    return made
