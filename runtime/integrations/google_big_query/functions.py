"""Google BigQuery: queries as jobs, rows as items, and rows to insert."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.google_big_query.records import create_records, simple_records
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import PairedItem

__all__ = ["create_records", "execute_query", "insert", "simple_records"]

_POLL_SECONDS: Final = 1.0
_NUMBERS: Final = frozenset({"INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC", "BIGNUMERIC"})


def _options(scope: Scope) -> Mapping[str, Any]:
    found: Mapping[str, Any] = scope.parameters.get("options") or {}
    return found


def _project(scope: Scope) -> str:
    return f"/projects/{segment(FILTERS['locator'](scope.parameters.get('projectId')))}"


async def execute_query(run: Run, scope: Scope) -> list[Item]:
    """Run a query and return an item per row. Raise NodeError."""
    options = _options(scope)
    job = await run.request(
        scope, method="POST", path=f"{_project(scope)}/jobs", json={"configuration": _configuration(scope, options)}
    )
    if options.get("dryRun"):
        return [{"json": job}]
    reference = job.get("jobReference") or {}
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
        items += _items(answer, options)
        if not answer.get("pageToken"):
            return items
        query |= {"pageToken": answer["pageToken"]}
    raise NodeError(f"BigQuery gave more than {MAX_PAGES} answers", item=scope.index)


def _configuration(scope: Scope, options: Mapping[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = {
        "query": scope.parameters.get("sqlQuery"),
        "useLegacySql": bool(options.get("useLegacySql")),
    }
    if options.get("defaultDataset"):
        project = FILTERS["locator"](scope.parameters.get("projectId"))
        query["defaultDataset"] = {"datasetId": options["defaultDataset"], "projectId": project}
    if options.get("maximumBytesBilled"):
        query["maximumBytesBilled"] = options["maximumBytesBilled"]
    named = [each for each in (options.get("queryParameters") or {}).get("namedParameters") or [] if each.get("name")]
    if named:
        query["queryParameters"] = [
            {
                "name": each["name"],
                "parameterType": {"type": "STRING"},
                "parameterValue": {"value": js_string(each.get("value", ""))},
            }
            for each in named
        ]
    made: dict[str, Any] = {"query": query}
    return made | ({"dryRun": True} if options.get("dryRun") else {})


def _items(answer: Mapping[str, Any], options: Mapping[str, Any]) -> list[Item]:
    if options.get("rawOutput"):
        return [{"json": dict(answer)}]
    fields = (answer.get("schema") or {}).get("fields") or []
    numbers = bool(options.get("returnAsNumbers"))
    rows = [_record(fields, each.get("f") or [], numbers=numbers) for each in answer.get("rows") or []]
    if options.get("includeSchema"):
        return [{"json": {**each, "_schema": answer.get("schema")}} for each in rows]
    return [{"json": each} for each in rows]


def _record(fields: list[Any], cells: list[Any], *, numbers: bool) -> dict[str, Any]:
    """Return a row under the names of its fields; records and repeated fields are followed."""
    return {
        field["name"]: _value(field, cell.get("v"), numbers=numbers) for field, cell in zip(fields, cells, strict=False)
    }


def _value(field: Mapping[str, Any], value: Any, *, numbers: bool) -> Any:
    if value is None:
        return None
    if field.get("mode") == "REPEATED":
        one = {**field, "mode": "NULLABLE"}
        return [_value(one, each.get("v"), numbers=numbers) for each in value]
    if field.get("type") in ("RECORD", "STRUCT"):
        return _record(field.get("fields") or [], value.get("f") or [], numbers=numbers)
    if numbers and field.get("type") in _NUMBERS:
        return float(value) if "." in value or "e" in value.lower() else int(value)
    return value


async def insert(run: Run) -> Items:
    """Insert a row per item, in batches. Raise NodeError."""
    first = await run.scope(0)
    options, made = _options(first), list[Item]()
    size = max(1, int(options.get("batchSize") or 100))
    for start in range(0, len(run.items), size):
        places = range(start, min(start + size, len(run.items)))

        async def send(places: range = places) -> Items:
            scopes = [await run.scope(i) for i in places]
            rows = [{"json": _row(each)} for each in scopes]
            body: dict[str, Any] = {"rows": rows}
            for name in ("ignoreUnknownValues", "skipInvalidRows", "templateSuffix", "traceId"):
                if options.get(name):
                    body[name] = options[name]
            answer = await run.request(first, method="POST", path=_table(first), json=body)
            return _inserted(answer, places)

        made += await run.once(start, send)
    return made


def _table(scope: Scope) -> str:
    dataset, table = (segment(FILTERS["locator"](scope.parameters.get(name))) for name in ("datasetId", "tableId"))
    return f"{_project(scope)}/datasets/{dataset}/tables/{table}/insertAll"


def _row(scope: Scope) -> dict[str, Any]:
    if scope.parameters.get("dataMode") != "define":
        return dict(scope.item.get("json", {}))
    pairs = (scope.parameters.get("fieldsUi") or {}).get("values") or []
    return {js_string(each.get("fieldId")): each.get("fieldValue") for each in pairs}


def _inserted(answer: Any, places: range) -> Items:
    """Return the answer, paired with the items of its batch. Raise NodeError for the first row that was refused."""
    for each in answer.get("insertErrors") or [] if isinstance(answer, Mapping) else []:
        reason: Mapping[str, Any] = next(iter(each.get("errors") or []), {})
        place = places[int(each.get("index") or 0)]
        raise NodeError(
            f"Problem inserting item [{place}]", description=js_string(reason.get("message", "")), item=place
        )
    pairs: list[PairedItem] = [{"item": i} for i in places]
    return [{"json": answer, "pairedItem": pairs}]
