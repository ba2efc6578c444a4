"""Google Analytics: the report of a GA4 property."""

import calendar
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.google_analytics.views import view_filters, view_rows, view_token
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED

__all__ = ["refusal", "refused", "report", "view_filters", "view_next", "view_request", "view_rows", "view_token"]

_NO_DATE: Final = "Invalid date"
PAGE: Final = 100_000
"""Rows of a page, where all are asked for."""
_FILTERS: Final = (
    ("dimensionFilter", "dimensionFiltersUI", ("stringFilter", "inListFilter", "numericFilter")),
    ("metricFilter", "metricsFiltersUI", ("betweenFilter", "numericFilter")),
)
"""Member of the request -> parameter, and the kinds of filters that n8n reads of it."""
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
        if not scope.parameters.get("returnAll"):
            return [{"json": answer}]
        return [{"json": {**answer, "rows": rows if "rows" in answer else [None]}}]
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
    for key, name, kinds in _FILTERS:
        if (made := _filters(options.get(name), kinds)) is not None:
            body[key] = made
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


def _filters(given: Any, kinds: tuple[str, ...]) -> dict[str, Any] | None:
    """Return a filter over some of the kinds that a node's parameters have; None: it is not set. Raise ThrownError as n8n's code fails."""
    if given is None:
        return None
    group = given.get("filterExpressions") if isinstance(given, Mapping) else None
    if not isinstance(group, Mapping):
        raise ThrownError(
            "Cannot destructure property 'filterExpressionType' of 'additionalFields.metricsFiltersUI.filterExpressions' as it is"
            " undefined."
        )
    expressions = [
        {"filter": {"fieldName": _name(each), kind: _filter(kind, each)}}
        for kind in kinds
        for each in (group.get("expression") or {}).get(kind) or []
    ]
    return {js_string(group.get("filterExpressionType", "andGroup")): {"expressions": expressions}}


def _filter(kind: str, each: Mapping[str, Any]) -> dict[str, Any]:
    value_type = js_string(each.get("valueType", UNDEFINED))
    if kind == "stringFilter":
        return {key: each.get(key) for key in ("value", "caseSensitive", "matchType")}
    if kind == "inListFilter":
        return {
            "values": js_string(each.get("values", UNDEFINED)).split(","),
            "caseSensitive": each.get("caseSensitive"),
        }
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


def _span(scope: Scope) -> tuple[str | None, str | None]:
    """Return the first and the last day, in the workflow's time zone; None for what is no date."""
    chosen = scope.parameters.get("dateRange")
    if chosen == "custom":
        given = [scope.parameters.get(name) for name in ("startDate", "endDate")]
        first, last = (FILTERS["date"](each) for each in given)
        if _NO_DATE not in (first, last) and FILTERS["epoch_ms"](given[0]) > FILTERS["epoch_ms"](given[1]):
            since, until = (FILTERS["iso"](each) for each in given)
            raise NodeError(f"Parameter Start: {since} cannot be after End: {until}", item=scope.index)
        return tuple(None if each == _NO_DATE else each for each in (first, last))  # type: ignore[return-value]  # two
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
    if (span := spans.get(js_string(chosen))) is None:
        raise NodeError(
            f"The period '{js_string(chosen)}' is not supported, to specify own period use 'custom' option",
            item=scope.index,
        )
    first, last = span
    return first.isoformat(), last.isoformat()


def _month_before(today: date) -> date:
    """Return the last day of this month, a month earlier: n8n takes the month off afterwards, so that it may be the 30th of 31 days."""
    last = calendar.monthrange(today.year, today.month)[1]
    before = today.replace(day=1) - timedelta(days=1)
    return before.replace(day=min(last, before.day))


def view_request(scope: Scope) -> dict[str, Any]:
    """Return what version 2 asks of a view of Universal Analytics."""
    parameters, options = scope.parameters, scope.parameters.get("additionalFields") or {}
    first, last = _span(scope)
    body: dict[str, Any] = {
        "viewId": scope.located("viewId", parameters.get("viewId")),
        "dateRanges": [{"startDate": first, "endDate": last}],
    }
    if metrics := _members(parameters, "metricsUA", "metricValues"):
        body["metrics"] = [_view_metric(each) for each in metrics]
        _unique("metrics", [{"name": each["alias"]} for each in body["metrics"]])
    if dimensions := _members(parameters, "dimensionsUA", "dimensionValues"):
        body["dimensions"] = _unique("dimensions", [{"name": _name(each)} for each in dimensions])
    if (filters := view_filters(scope)) is not UNDEFINED:
        body["dimensionFilterClauses"] = filters
    body |= {name: True for name in ("includeEmptyRows", "hideTotals") if options.get(name)}
    return body if parameters.get("returnAll") else {**body, "pageSize": parameters.get("limit")}


def _view_metric(each: Mapping[str, Any]) -> dict[str, Any]:
    if each.get("listName") == "custom":
        return {"alias": each.get("name"), **{key: each.get(key) for key in ("expression", "formattingType")}}
    return {"alias": _name(each), "expression": _name(each)}


def refused(scope: Scope) -> bool:
    """Return whether the answer refuses a report of a GA4 property: n8n words its errors by itself."""
    return bool(scope.names["status"] >= 400)


def refusal(scope: Scope) -> str:
    """Return n8n's words for an answer that refuses: Google's own, or status and body."""
    answer = scope.names["response"]
    error = answer.get("error") if isinstance(answer, Mapping) else None
    told = error.get("message") if isinstance(error, Mapping) else None
    return (
        js_string(told)
        if told
        else f"{scope.names['status']} - {json_stringify('' if answer is UNDEFINED else answer)}"
    )


def view_next(scope: Scope) -> Any:
    """Return what version 2 asks for after a page of a view's report; UNDEFINED: there is none."""
    token = view_token(scope)
    return UNDEFINED if token is UNDEFINED else [{**view_request(scope), "pageToken": token}]
