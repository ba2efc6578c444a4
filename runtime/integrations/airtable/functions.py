"""Airtable: records in batches (version 1), columns by a mapping (version 2), and attachments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from runtime.contract import Item, Items, NodeApiError, NodeError, error_item
from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run, failing_node
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_number, js_string
from schemas.item import UNDEFINED, PairedItem

_TYPES: Final = ("airtableApi", "airtableTokenApi", "airtableOAuth2Api")
_BATCH: Final = 10
"""Records in one request: Airtable's limit."""
_TWO: Final = 2
_PER_ITEM_SINCE: Final = 2.1
_NESTED_SINCE: Final = 2.2
"""The version from which the fields of a record stay below `fields`."""
"""A search runs once for all items before it."""
_ABSENT: Final = ("403", "404")
"""What Airtable answers to the id of a record that is not there."""
_PLACE: Final = Template("{$place|path}")
_PAGE: Final = {
    "when": True,
    "items": Template("{$response.records}"),
    "next": {"query": {"offset": Template("{$response.offset}")}},
}


def credential_type(scope: Scope) -> Any:
    """Return the credential type that the parameter names. Raise NodeError for one that the node does not have."""
    chosen = scope.parameters.get("authentication")
    if chosen == "airtableApi" and scope.version < _TWO:
        with failing_node():
            raise NodeError(
                "The API Key connection was deprecated by Airtable, please use Access Token or OAuth2 instead.",
                description="Airtable has no API keys any more.",
            )
    if chosen not in _TYPES:
        raise NodeError(
            f'Node type "n8n-nodes-base.airtable" does not have any credentials of type "{js_string(chosen)}" defined',
            item=scope.index,
        )
    return chosen


def page_of_bases(scope: Scope) -> list[Any]:
    """Return the bases of a page. Raise NodeError where all are asked for and there is no list, as n8n's node does."""
    found = member_of_answer(scope.names["response"], "bases")
    if not isinstance(found, list) and scope.parameters.get("returnAll"):
        raise NodeError(
            "responseData.bases is not iterable (cannot read property undefined)",
            description="Airtable answered with success, but without bases.",
        )
    return found if isinstance(found, list) else []


def bases(scope: Scope) -> list[Any]:
    """Return the bases with one of the chosen permissions, cut at the limit."""
    levels = scope.parameters.get("options", {}).get("permissionLevel") or []
    found = [each for each in scope.names["items"] if not levels or each.get("permissionLevel") in levels]
    return found if scope.parameters.get("returnAll") else found[: scope.parameters.get("limit", 100)]


def columns(scope: Scope) -> Any:
    """Return the columns to write: the input item's, or those of the mapping. Raise NodeError."""
    mapping, options = scope.parameters.get("columns"), scope.parameters.get("options", {})
    if not isinstance(mapping, Mapping):
        return None
    if mapping.get("mappingMode") == "autoMapInputData":
        ignored = FILTERS["split"](options.get("ignoreFields") or "")
        return {name: each for name, each in scope.item["json"].items() if name not in ignored}
    value = mapping.get("value")
    if value is None and mapping.get("schema") is not None:
        raise ThrownError("Cannot convert undefined or null to object", item=scope.index)
    return value


def _object(value: Any) -> dict[str, Any]:
    """Return the members of a value; a text has one per character, as JavaScript spreads it."""
    if isinstance(value, str):
        return {str(place): each for place, each in enumerate(value)}
    return dict(value) if isinstance(value, Mapping) else {}


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    fields = record.get("fields")
    rest = {name: each for name, each in record.items() if name != "fields"}
    return rest | (dict(fields) if isinstance(fields, Mapping) else {})


async def _attachments(run: Run, scope: Scope, record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the files of the columns with these names, as `column_0`, `column_1`, ..."""
    files: dict[str, Any] = {}
    for name in names:
        found = member_of_answer(record.get("fields", UNDEFINED), name)
        for place, each in enumerate(found if isinstance(found, list) else []):
            files[f"{name}_{place}"] = await run.request(
                scope, url=each["url"], filename=each.get("filename"), mime=each.get("type"), response="file", bare=True
            )
    return files


async def _output(
    run: Run, scope: Scope, record: Mapping[str, Any], names: Sequence[str], *, flat: bool = True
) -> Item:
    item: Item = {"json": _flat(record) if flat and scope.version < _NESTED_SINCE else dict(record)}
    if files := await _attachments(run, scope, record, names):
        item["binary"] = files
    return item


async def get_record(run: Run, scope: Scope) -> list[Item]:
    """Read a record."""
    record = await run.request(scope, path=Template("{$place|path}/{id}"))
    if isinstance(record, list):  # spread, it has no members
        record = {js_string(place): each for place, each in enumerate(record)}
    return [await _output(run, scope, record, scope.parameters.get("options", {}).get("downloadFields") or [])]


async def search_records(run: Run) -> Items:
    """Search records per item; in version 2 once for all items."""

    async def work(scope: Scope) -> Items:
        options = scope.parameters.get("options", {})
        query = {
            "filterByFormula": scope.parameters.get("filterByFormula"),
            "fields": options.get("fields"),
            "sort": (scope.parameters.get("sort") or {}).get("property"),
            "view": scope.located("view", options["view"]) if isinstance(options.get("view"), Mapping) else None,
        }
        names = options.get("downloadFields") or []
        try:
            return [await _output(run, scope, each, names) for each in await _listed(run, scope, query)]
        except NodeError as error:
            if isinstance(error, NodeApiError | ThrownError):
                error.data["context"] = {}  # n8n does not say which item it was
            raise

    if (await run.scope(0)).version >= _PER_ITEM_SINCE:
        return await run.each(work)
    found = await replace(run, items=run.items[:1]).each(work)
    everything: list[PairedItem] = [{"item": i} for i in range(len(run.items))]
    return [{**each, "pairedItem": everything} for each in found]


async def _listed(run: Run, scope: Scope, query: Mapping[str, Any]) -> list[Any]:
    given = {name: each for name, each in query.items() if each not in (None, UNDEFINED, "", [])}
    if scope.parameters.get("returnAll", True):
        return await run.pages(scope, path=_PLACE, query={**given, "pageSize": 100}, page=_PAGE)
    limit = scope.parameters.get("limit")
    limited = {**given, **({} if limit is None else {"maxRecords": limit})}
    answer = await run.request(scope, path=_PLACE, query=limited)
    found = member_of_answer(answer, "records")
    if found is None or found is UNDEFINED:
        raise unreadable(found, "map")
    return found if isinstance(found, list) else [found]


def _matching(scope: Scope) -> list[str]:
    """Return the columns by which records match. Raise NodeError where the mapping is not there."""
    mapping = scope.parameters.get("columns")
    if not isinstance(mapping, Mapping) or "matchingColumns" not in mapping:
        raise NodeError('Could not get parameter "columns.matchingColumns"')
    return list(mapping["matchingColumns"] or [])


async def update_records(run: Run) -> Items:
    """Update the record with the id of each item, or the records whose matching columns are the item's."""
    listed: list[Any] = []
    with failing_node():
        first = await run.scope(0)
        matching = _matching(first)
        if "id" not in matching:
            query = {"fields": matching} if matching else {}
            listed = await run.pages(first, path=_PLACE, query={**query, "pageSize": 100}, page=_PAGE)

    async def work(scope: Scope) -> Items:
        values = _object(columns(scope))
        fields = {name: each for name, each in values.items() if name not in matching}
        if "id" in matching:
            return await _patch(run, scope, [{"id": values.get("id"), "fields": fields}])
        found = _matches(listed, values, matching, scope)
        return await _patch(run, scope, [{"id": each["id"], "fields": fields} for each in found])

    return await run.each(work)


def _matches(
    records: Sequence[Mapping[str, Any]], values: Mapping[str, Any], matching: Sequence[str], scope: Scope
) -> list[Mapping[str, Any]]:
    """Return the records whose matching columns have these values: the first, or all. Raise NodeError for none."""
    found = [
        each for each in records if all((each.get("fields") or {}).get(name) == values.get(name) for name in matching)
    ]
    if not found:
        raise NodeError("Record matching provided keys was not found", item=scope.index)
    return found if scope.parameters.get("options", {}).get("updateAllMatches") else found[:1]


async def _patch(run: Run, scope: Scope, records: Sequence[Any], **more: Any) -> Items:
    """Update records in batches, and return them as items."""
    typecast = bool(scope.parameters.get("options", {}).get("typecast"))
    out: Items = []
    for start in range(0, len(records), _BATCH):
        body = {"typecast": typecast, **more, "records": list(records[start : start + _BATCH])}
        answer = await run.request(scope, method="PATCH", path=_PLACE, json=body)
        out += [{"json": each} for each in _records(answer)]
    return out


def _records(answer: Any) -> list[Any]:
    """Return the records of an answer; one without JSON where it has none, as in n8n. Raise NodeError for null."""
    found = member_of_answer(answer, "records")
    if found is None:
        raise NodeError("Cannot read properties of null (reading '$error')")
    return found if isinstance(found, list) else [found]


async def upsert_record(run: Run, scope: Scope) -> list[Item]:
    """Update the record that matches an item, or create one."""
    options = scope.parameters.get("options", {})
    with failing_node():
        matching = _matching(scope)
    values = _object(columns(scope))
    if "id" in matching:
        return await _upsert_by_id(run, scope, values)
    try:
        written = columns(scope)
        return await _patch(
            run,
            scope,
            [{"fields": written if isinstance(written, str) else values}],
            performUpsert={"fieldsToMergeOn": matching},
        )
    except NodeApiError as error:
        # Airtable refuses to choose among several records that match.
        if error.http_code != "422" or not options.get("updateAllMatches"):
            raise
    formula = ",".join(f"{{{name}}} = {_quoted(values.get(name))}" for name in matching)
    query = {"fields": matching, "filterByFormula": f"AND({formula})", "pageSize": 100}
    found = await run.pages(scope, path=_PLACE, query=query, page=_PAGE)
    return await _patch(run, scope, [{"id": each["id"], "fields": values} for each in found])


def _quoted(value: Any) -> str:
    """Return a text of a formula: a quote in a value must not end it."""
    return "'" + js_string(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


async def _upsert_by_id(run: Run, scope: Scope, values: Mapping[str, Any]) -> Items:
    fields = {name: each for name, each in values.items() if name != "id"}
    try:
        return await _patch(run, scope, [{"id": values.get("id"), "fields": fields}])
    except NodeApiError as error:
        if error.http_code not in _ABSENT:
            raise
    body = {"typecast": bool(scope.parameters.get("options", {}).get("typecast")), "fields": fields}
    made = await run.request(scope, method="POST", path=_PLACE, json=body)
    return [{"json": made}]


async def append(run: Run) -> Items:
    """Create a record per item, in batches."""

    def record(scope: Scope) -> dict[str, Any]:
        return {"fields": _row(scope, "addAllFields")}

    return await _batches(run, "POST", record)


async def update(run: Run) -> Items:
    """Update a record per item, in batches."""

    def record(scope: Scope) -> dict[str, Any]:
        return {"fields": _row(scope, "updateAllFields"), "id": scope.parameters.get("id")}

    return await _batches(run, "PATCH", record)


async def delete(run: Run) -> Items:
    """Delete a record per item, in batches."""
    return await _batches(run, "DELETE", lambda scope: scope.parameters.get("id"))


def _row(scope: Scope, everything: str) -> dict[str, Any]:
    """Return the columns of an item: all but `id` and those to ignore, or those that are listed."""
    given, parameters = scope.item["json"], scope.parameters
    if parameters.get(everything, True):
        given_names = parameters.get("options", {}).get("ignoreFields")
        if given_names and not isinstance(given_names, str):
            raise NodeError("options.ignoreFields.split is not a function")
        ignored = FILTERS["split"](given_names) if given_names else ["id"]
        return {name: each for name, each in given.items() if name not in ignored}
    named = FILTERS["list"](parameters.get("fields", UNDEFINED))
    return {name: given[name] for name in named if name in given}


async def _batches(run: Run, method: str, record: Callable[[Scope], Any]) -> Items:
    """Send a record per item in batches; each result is paired with the last item of its batch, as n8n does."""
    out: Items = []
    size, rows = float(_BATCH), list[Any]()
    for i in range(len(run.items)):
        try:
            scope = await run.scope(i)
            options = scope.parameters.get("options", {})
            size = js_number(options.get("bulkSize") or _BATCH)  # NaN, which no number reaches, of what is no number
            rows.append(record(scope))
            if not (len(rows) >= size) and i + 1 < len(run.items):
                continue
            out += await run.once(i, partial(_send, run, scope, method, rows))
        except NodeError as error:
            error.item = i
            if not run.context.continue_on_fail:
                raise
            out.append(error_item(error, i))  # one for the batch
        rows = []
    return out


async def _send(run: Run, scope: Scope, method: str, rows: Sequence[Any]) -> Items:
    spec: dict[str, Any] = {"query": {"records": list(rows)}}
    if method != "DELETE":
        typecast = bool(scope.parameters.get("options", {}).get("typecast"))
        spec = {"json": {"records": list(rows)} | ({"typecast": typecast} if typecast or method == "PATCH" else {})}
    answer = await run.request(scope, method=method, path=_PLACE, **spec)
    return [{"json": each, "pairedItem": {"item": scope.index}} for each in _records(answer)]


async def list_records(run: Run) -> Items:
    """List records, once for all items."""
    scope = await run.scope(0)
    parameters, options = scope.parameters, scope.parameters.get("additionalOptions", {})
    query = {name: each for name, each in options.items() if name != "sort"}
    query["sort"] = (options.get("sort") or {}).get("property")
    names: Any = []
    if parameters.get("downloadAttachments"):
        names = parameters.get("downloadFieldNames") or ""
    found = await _listed(run, scope, query)
    if not isinstance(names, list | str):
        raise NodeError("this.getNodeParameter(...).split is not a function")
    return [await _output(run, scope, each, FILTERS["split"](names), flat=False) for each in found]
