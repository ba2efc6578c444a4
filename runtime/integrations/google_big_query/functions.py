"""Google BigQuery: queries as jobs, rows as items, and rows to insert."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isnan
from typing import Any, Final
from uuid import uuid4

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.google_big_query.records import create_records, simple_records
from runtime.integrations.operation import MAX_PAGES, Run, failed_item
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED, PairedItem

__all__ = ["create_records", "execute_query", "insert", "simple_records"]

_POLL_SECONDS: Final = 1.0
_JOB: Final = "tempor8 job"
"""Member of what a heartbeat keeps of an item whose job is not done."""
_OF_ANSWER: Final = frozenset({"rawOutput", "includeSchema", "maxResults", "timeoutMs"})
"""Options that are not of the job."""
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999."""
_RECORDS: Final = ("RECORD", "STRUCT")


def _options(scope: Scope) -> Mapping[str, Any]:
    found: Mapping[str, Any] = scope.parameters.get("options") or {}
    return found


def _project(scope: Scope) -> str:
    return f"/projects/{segment(FILTERS['locator'](scope.parameters.get('projectId')))}"


async def execute_query(run: Run) -> Items:
    """Run a query per item and return an item per row. Raise NodeError.

    As in n8n, the jobs of all items begin before the answer of one that is not done at once is asked for.
    """

    async def begin(scope: Scope) -> Items:
        body = {"configuration": {"query": _configuration(scope)}}
        job = await run.request(scope, method="POST", path=f"{_project(scope)}/jobs", json=body)
        reference = (job.get("jobReference") if isinstance(job, Mapping) else None) or {}
        if not reference.get("jobId"):
            told = f"sql: {js_string(scope.parameters.get('sqlQuery'))}"
            raise NodeError(f"No job ID returned, item {scope.index}", description=told, item=scope.index)
        done = (job.get("status") or {}).get("state") == "DONE"
        return await _paired(run, scope, reference) if done else [{"json": {_JOB: reference}}]

    made: Items = []
    jobs: dict[int, Mapping[str, Any]] = {}
    for i in range(len(run.items)):
        found = await run.each_one(i, begin)
        if found and _JOB in (found[0].get("json") or {}):
            jobs[i] = found[0]["json"][_JOB]
        else:
            made += found
    for i, reference in jobs.items():

        async def wait(scope: Scope, reference: Mapping[str, Any] = reference) -> Items:
            return await _paired(run, scope, reference)

        made += await run.each_one(i, wait, later=True)
    return made


async def _paired(run: Run, scope: Scope, reference: Mapping[str, Any]) -> Items:
    return [{"pairedItem": {"item": scope.index}, **each} for each in await _rows_of(run, scope, reference)]


async def _rows_of(run: Run, scope: Scope, reference: Mapping[str, Any]) -> list[Item]:
    """Return the rows of a job when it is done, of all pages. Raise NodeError."""
    options = _options(scope)
    path = f"{_project(scope)}/queries/{segment(reference.get('jobId'))}"
    query = {
        **({"location": reference["location"]} if reference.get("location") else {}),
        "maxResults": options.get("maxResults", 1000),
        "timeoutMs": options.get("timeoutMs", 10_000),
    }
    items = list[Item]()
    for _ in range(MAX_PAGES):
        answer = await run.request(scope, path=path, query=query)
        if answer.get("jobComplete") is False:
            await asyncio.sleep(_POLL_SECONDS)
            continue
        items += _items(scope, answer, options)
        if not answer.get("pageToken"):
            return items
        query |= {"pageToken": answer["pageToken"]}
    raise NodeError(f"BigQuery gave more than {MAX_PAGES} answers", item=scope.index)


def _configuration(scope: Scope) -> dict[str, Any]:
    """Return the job of a query: the options that are given, with the query. Raise ThrownError as n8n's code fails."""
    query = {name: each for name, each in _options(scope).items() if name not in _OF_ANSWER}
    if query.get("defaultDataset"):
        project = FILTERS["locator"](scope.parameters.get("projectId"))
        query["defaultDataset"] = {"datasetId": query["defaultDataset"], "projectId": project}
    if isinstance(given := query.get("queryParameters"), Mapping):
        named = given.get("namedParameters")
        if not isinstance(named, list):
            raise unreadable(UNDEFINED, "map", scope.index)
        query["parameterMode"] = "NAMED"
        query["queryParameters"] = [
            {
                "name": each.get("name"),
                "parameterType": {"type": "STRING"},
                "parameterValue": {"value": js_string(each.get("value", ""))},
            }
            for each in named
        ]
    return {**query, "query": scope.parameters.get("sqlQuery"), "useLegacySql": query.get("useLegacySql", False)}


def _items(scope: Scope, answer: Mapping[str, Any], options: Mapping[str, Any]) -> list[Item]:
    if options.get("rawOutput") or options.get("dryRun"):
        return [{"json": dict(answer)}]
    if answer.get("rows") is None:
        return [{"json": {"success": True}}]
    fields = (answer.get("schema") or {}).get("fields") or []
    rows = [_record(fields, each.get("f") or [], instants=scope.version > 2) for each in answer["rows"]]
    if options.get("includeSchema"):
        return [{"json": {**each, "_schema": fields}} for each in rows]
    return [{"json": each} for each in rows]


def _record(fields: list[Any], cells: list[Any], *, instants: bool) -> dict[str, Any]:
    """Return a row under the names of its fields; records and repeated fields are followed."""
    return {
        field["name"]: _value(field, cell.get("v"), instants=instants)
        for field, cell in zip(fields, cells, strict=False)
    }


def _value(field: Mapping[str, Any], value: Any, *, instants: bool) -> Any:
    """Return the value of a cell; `instants`: times are dates, as in version 2.1, where null is the beginning of time."""
    if field.get("mode") == "REPEATED" and isinstance(value, list):
        one = {**field, "mode": "NULLABLE"}
        return [_value(one, each.get("v"), instants=instants) for each in value]
    if field.get("type") in _RECORDS and isinstance(value, Mapping):
        return _record(field.get("fields") or [], value.get("f") or [], instants=instants)
    if instants and field.get("type") == "TIMESTAMP":
        return _instant(value)
    return value


def _instant(value: Any) -> Any:
    seconds = js_number(value)
    if isnan(seconds) or abs(seconds) > _LAST_SECOND:
        return value
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


async def insert(run: Run) -> Items:
    """Insert a row per item, in batches; the fields of the table say which members. Raise NodeError."""
    first = await run.scope(0)
    options, made = _options(first), list[Item]()
    table = await run.request(first, path=_table(first))
    fields = (table.get("schema") or {}).get("fields") if isinstance(table, Mapping) else None
    if not fields:
        raise NodeError("The destination table has no defined schema")
    rows: list[tuple[int, dict[str, Any]]] = []
    for i in range(len(run.items)):
        try:
            rows.append((i, _row(await run.scope(i), fields)))
        except NodeError as error:
            error.item = i
            if not run.context.continue_on_fail:
                raise
            made.append(failed_item(error, run.error_item, i, run.context))
    size = max(1, int(options.get("batchSize") or len(rows) or 1)) if "batchSize" in options else 100
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]

        async def send(batch: list[tuple[int, dict[str, Any]]] = batch) -> Items:
            body = {"traceId": str(uuid4()), **options, "rows": [{"json": each} for _, each in batch]}
            answer = await run.request(first, method="POST", path=f"{_table(first)}/insertAll", json=body)
            return _inserted(run, answer, [i for i, _ in batch])

        made += await run.once(start, send)
    return made


def _table(scope: Scope) -> str:
    dataset, table = (segment(FILTERS["locator"](scope.parameters.get(name))) for name in ("datasetId", "tableId"))
    return f"{_project(scope)}/datasets/{dataset}/tables/{table}"


def _row(scope: Scope, fields: list[Any]) -> dict[str, Any]:
    """Return the row of an item: its members, or those that the node defines, that the table has. Raise NodeError."""
    given = dict(scope.item.get("json", {}))
    if scope.parameters.get("dataMode") == "define":
        pairs = (scope.parameters.get("fieldsUi") or {}).get("values") or []
        given = {js_string(each.get("fieldId", UNDEFINED)): each.get("fieldValue") for each in pairs}
    made: dict[str, Any] = {}
    for each in fields:
        name = js_string(each.get("name", UNDEFINED))
        if each.get("type") in _RECORDS:
            made[name] = _object(name, given.get(name), each)
        elif name in given:
            made[name] = given[name]
    return made


def _object(name: str, value: Any, field: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping | list):
        return value
    try:
        return parse_json(value if isinstance(value, str) else "")
    except NotJsonError as error:
        raise NodeError(
            f"The property '{name}' is a RECORD type, but the value is nor an object nor a valid JSON string",
            description=f"Field Schema:\n {json_stringify(field.get('fields'))}",
        ) from error


def _inserted(run: Run, answer: Any, places: list[int]) -> Items:
    """Return the answer, paired with the items of its batch. Raise NodeError for the first row that was refused."""
    refused = answer.get("insertErrors") if isinstance(answer, Mapping) else None
    if refused and not run.context.continue_on_fail:
        reason: Mapping[str, Any] = next(iter(refused[0].get("errors") or []), {})
        place = places[min(int(refused[0].get("index") or 0), len(places) - 1)]
        raise NodeError(
            f"Problem inserting item [{place}]", description=js_string(reason.get("message", "")), item=place
        )
    if refused:
        out: Items = []
        for each in refused:
            reasons: list[Mapping[str, Any]] = each.get("errors") or [{}]
            told = reasons[0].get("message", "")
            index = int(each.get("index") or 0)
            error = NodeError(f"Row {index} failed with error: {js_string(told)}")
            if index < len(places):
                out.append(failed_item(error, run.error_item, places[index], run.context))
        return out
    pairs: list[PairedItem] = [{"item": i} for i in places]
    return [{"json": answer, "pairedItem": pairs}]
