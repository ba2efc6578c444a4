"""Google Analytics: the report of a GA4 property."""

import calendar
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from runtime.contract import Item, NodeError
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

PAGE: Final = 100_000
"""Rows of a page, where all are asked for."""
_PLAIN: Final = ("currencyCode", "keepEmptyRows", "metricAggregations", "returnPropertyQuota")


async def report(run: Run, scope: Scope) -> list[Item]:
    """Run a report: up to `limit` rows, or all of them in pages."""
    parameters = scope.parameters
    property_ = scope.located("propertyId", parameters.get("propertyId"))
    body = _body(scope)
    path = f"/v1beta/properties/{segment(property_)}:runReport"
    if not parameters.get("returnAll"):
        answer = await run.request(scope, method="POST", path=path, json=body | {"limit": parameters.get("limit")})
        return _items(scope, answer, _rows(answer))
    rows: list[Any] = []
    while True:
        query = {"limit": str(PAGE), "offset": str(len(rows))}
        answer = await run.request(scope, method="POST", path=path, query=query, json=body)
        page = _rows(answer)
        rows += page
        if not page or len(rows) >= (answer.get("rowCount") or 0):
            return _items(scope, answer, rows)


def _rows(answer: Any) -> list[Any]:
    rows = answer.get("rows") if isinstance(answer, Mapping) else None
    return rows if isinstance(rows, list) else []


def _items(scope: Scope, answer: Any, rows: list[Any]) -> list[Item]:
    if not scope.parameters.get("simple"):
        everything = scope.parameters.get("returnAll")
        return [{"json": {"rowCount": answer.get("rowCount"), "rows": rows} if everything else answer}]
    names = [[each["name"] for each in answer.get(key) or []] for key in ("dimensionHeaders", "metricHeaders")]
    dimensions, metrics = names
    found: list[Item] = []
    for each in rows:
        row = dict(zip(dimensions, _values(each, "dimensionValues"), strict=False))
        found.append({"json": row | dict(zip(metrics, _values(each, "metricValues"), strict=False))})
    return found


def _values(row: Mapping[str, Any], key: str) -> list[Any]:
    return [each.get("value") for each in row.get(key) or []]


def _body(scope: Scope) -> dict[str, Any]:
    parameters = scope.parameters
    first, last = _span(scope)
    body: dict[str, Any] = {"dateRanges": [{"startDate": first, "endDate": last}]}
    body["metrics"] = _unique("metrics", [_metric(each) for each in _members(parameters, "metricsGA4", "metricValues")])
    body["dimensions"] = _unique(
        "dimensions", [{"name": _name(each)} for each in _members(parameters, "dimensionsGA4", "dimensionValues")]
    )
    options = parameters.get("additionalFields") or {}
    body |= {key: options[key] for key in _PLAIN if key in options and not is_empty(options[key])}
    filters = (("dimensionFilter", "dimensionFiltersUI"), ("metricFilter", "metricsFiltersUI"))
    body |= {key: made for key, name in filters if (made := _filters(options.get(name)))}
    if orders := _orders(options.get("orderByUI")):
        body["orderBys"] = orders
    return body


def _members(parameters: Mapping[str, Any], collection: str, group: str) -> list[Mapping[str, Any]]:
    return (parameters.get(collection) or {}).get(group) or []


def _name(each: Mapping[str, Any]) -> Any:
    listed = each.get("listName")
    return each.get("name") if listed in ("other", "custom") else listed


def _metric(each: Mapping[str, Any]) -> dict[str, Any]:
    made = {"name": _name(each)}
    if each.get("listName") == "custom":
        made |= {"expression": each.get("expression")} | ({"invisible": True} if each.get("invisible") else {})
    return made


def _unique(kind: str, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [js_string(each["name"]) for each in made]
    twice = next((each for i, each in enumerate(names) if each in names[:i]), None)
    if twice is not None:
        raise NodeError(f"A {kind} is specified more than once ({twice})")
    return made


def _filters(given: Any) -> dict[str, Any] | None:
    group = given.get("filterExpressions") if isinstance(given, Mapping) else None
    if not isinstance(group, Mapping) or is_empty(group.get("expression")):
        return None
    expressions = [
        {"filter": {"fieldName": _name(each), kind: _filter(kind, each)}}
        for kind, listed in group["expression"].items()
        for each in listed
    ]
    return {js_string(group.get("filterExpressionType")): {"expressions": expressions}}


def _filter(kind: str, each: Mapping[str, Any]) -> dict[str, Any]:
    value_type = js_string(each.get("valueType"))
    if kind == "stringFilter":
        return {key: each.get(key) for key in ("value", "caseSensitive", "matchType")}
    if kind == "inListFilter":
        return {"values": js_string(each.get("values")).split(","), "caseSensitive": each.get("caseSensitive")}
    if kind == "betweenFilter":
        return {key: {value_type: each.get(key)} for key in ("fromValue", "toValue")}
    return {"operation": each.get("operation"), "value": {value_type: each.get("value")}}


def _orders(given: Any) -> list[dict[str, Any]]:
    groups = given if isinstance(given, Mapping) else {}
    made = [
        {"desc": each.get("desc"), "metric": {"metricName": each.get("metricName")}}
        for each in groups.get("metricOrderBy") or []
    ]
    return made + [
        {"desc": each.get("desc"), "dimension": {key: each.get(key) for key in ("dimensionName", "orderType")}}
        for each in groups.get("dimmensionOrderBy") or []
    ]


def _span(scope: Scope) -> tuple[str, str]:
    """Return the first and the last day, in the workflow's time zone."""
    chosen = scope.parameters.get("dateRange")
    if chosen == "custom":
        return FILTERS["date"](scope.parameters.get("startDate")), FILTERS["date"](scope.parameters.get("endDate"))
    today = datetime.fromtimestamp(scope.now / 1000, UTC).astimezone(ZoneInfo(scope.timezone)).date()
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    spans: dict[str, tuple[date, date]] = {
        "last7days": (today - timedelta(days=7), today),
        "last30days": (today - timedelta(days=30), today),
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "lastCalendarWeek": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "lastCalendarMonth": ((month - timedelta(days=1)).replace(day=1), _month_before(today)),
    }
    first, last = spans.get(js_string(chosen), spans["last7days"])
    return first.isoformat(), last.isoformat()


def view_rows(scope: Scope) -> list[Any]:
    """Return the rows of a Universal Analytics report; without `simple` the report itself."""
    reports = scope.names["response"].get("reports") or []
    if not scope.parameters.get("simple"):
        return list(reports)
    made = []
    for each in reports:
        header = each.get("columnHeader") or {}
        metrics = [entry["name"] for entry in (header.get("metricHeader") or {}).get("metricHeaderEntries") or []]
        for row in (each.get("data") or {}).get("rows") or []:
            values = [value for metric in row.get("metrics") or [] for value in metric.get("values") or []]
            names = dict(zip(header.get("dimensions") or [], row.get("dimensions") or [], strict=False))
            made.append(names | dict(zip(metrics, values, strict=False)))
    return made


def view_next(scope: Scope) -> Any:
    """Return what the next page of a Universal Analytics report asks for; UNDEFINED: there is none."""
    reports = scope.names["response"].get("reports") or []
    token = reports[0].get("nextPageToken") if reports else None
    return {"pageToken": token} if token else UNDEFINED


def _month_before(today: date) -> date:
    """Return the last day of this month, a month earlier: n8n takes the month off afterwards, so that it may be the 30th of 31 days."""
    last = calendar.monthrange(today.year, today.month)[1]
    before = today.replace(day=1) - timedelta(days=1)
    return before.replace(day=min(last, before.day))
