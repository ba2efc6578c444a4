"""ServiceNow: the fields of a record, pages, users by name, and attachments."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item
from runtime.integrations.answers import elements_of, member_of_answer
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

PAGE: Final = 100


def fields(scope: Scope) -> dict[str, Any]:
    """Return the additional fields."""
    given = scope.parameters.get("additionalFields") or scope.parameters.get("updateFields") or {}
    return dict(given)


def columns(scope: Scope) -> dict[str, Any]:
    """Return the columns of a record: of the item, of the node, or none."""
    parameters = scope.parameters
    if parameters.get("dataToSend") == "mapInput":
        item = scope.item.get("json") or {}
        left_out = FILTERS["split"](parameters.get("inputsToIgnore") or "")
        return {name: each for name, each in item.items() if name not in left_out}
    if parameters.get("dataToSend") == "columns":
        pairs = (parameters.get("fieldsToSend") or {}).get("field") or []
        return {js_string(each.get("column", UNDEFINED)): each["value"] for each in pairs if "value" in each}
    return {}


def next_offset(scope: Scope) -> Any:
    """Return how many records there are already; UNDEFINED after a page that is not full."""
    return scope.names["collected"] if len(scope.names["found"] or []) >= PAGE else UNDEFINED


async def user(run: Run, scope: Scope) -> list[Item]:
    """Return a user, by id or by name."""
    parameters = scope.parameters
    if parameters.get("getOption") == "user_name":
        query = {"sysparm_query": f"user_name={js_string(parameters.get('user_name'))}", "sysparm_limit": 1}
        answer = await run.request(scope, path="/table/sys_user", query=_with(parameters, query))
        found = answer.get("result") if isinstance(answer, Mapping) else None
        return [{"json": found[0] if isinstance(found, list) and found else {}}]
    path = f"/table/sys_user/{segment(parameters.get('id'))}"
    answer = await run.request(scope, path=path, query=Template("{$options}"))
    return [{"json": answer.get("result", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED}]  # type: ignore[typeddict-item]  # an item without data


def _with(parameters: Mapping[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    options = parameters.get("options") or {}
    return {
        name: ",".join(map(js_string, each)) if isinstance(each, list) else each for name, each in options.items()
    } | query


def file_name(scope: Scope) -> Any:
    """Return the name under which a file goes up."""
    given = (scope.parameters.get("options") or {}).get("file_name")
    ref: Any = (scope.item.get("binary") or {}).get(js_string(scope.parameters.get("inputDataFieldName", UNDEFINED)))
    return given or FILTERS["get"](ref, "fileName")


async def get_attachment(run: Run, scope: Scope) -> list[Item]:
    """Return an attachment, with its content where the node asks for it. Raise NodeError."""
    path = f"/attachment/{segment(scope.parameters.get('attachmentId'))}"
    found = member_of_answer(await run.request(scope, path=path), "result")
    if not truthy(scope.parameters.get("download")):
        return [{"json": {} if found is UNDEFINED else found}]
    return [await _with_content(run, scope, found, path)]


async def list_attachments(run: Run, scope: Scope) -> list[Item]:
    """Return the attachments of a table, with their content where the node asks for it. Raise NodeError."""
    parameters = scope.parameters
    condition = f"table_name={js_string(parameters.get('tableName'))}"
    if extra := (parameters.get("options") or {}).get("queryFilter"):
        condition += f"^{js_string(extra)}"
    query = {"sysparm_query": condition, "sysparm_limit": scope.names["limit"]}
    if truthy(parameters.get("returnAll")):
        found: Any = []
        for number in range(MAX_PAGES):
            page = query | ({"sysparm_offset": number * PAGE} if number else {})
            listed = member_of_answer(await run.request(scope, path="/attachment", query=page), "result")
            found += listed if isinstance(listed, list) else []
            if not isinstance(listed, list) or len(listed) < PAGE:
                break
    else:
        found = elements_of(await run.request(scope, path="/attachment", query=query), "result", "map")
    if not truthy(parameters.get("download")):
        return [{"json": each} for each in found]
    return [
        await _with_content(run, scope, each, f"/attachment/{segment(member_of_answer(each, 'sys_id'))}")
        for each in found
    ]


async def _with_content(run: Run, scope: Scope, found: Any, path: str) -> Item:
    told = {"filename": member_of_answer(found, "file_name"), "mime": member_of_answer(found, "content_type")}
    ref = await run.request(scope, path=f"{path}/file", response="file", **told)
    return {"json": found, "binary": {js_string(scope.parameters.get("outputField") or "data"): ref}}
