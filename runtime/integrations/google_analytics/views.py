"""Google Analytics: the reports of views of Universal Analytics."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.answers import iterated, unreadable
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["view_filters", "view_rows", "view_token"]


def view_filters(scope: Scope) -> Any:
    """Return the filters of dimensions; UNDEFINED: there are none."""
    given = (scope.parameters.get("additionalFields") or {}).get("dimensionFiltersUi")
    if not isinstance(given, Mapping):
        return UNDEFINED
    filters = given.get("filterValues")
    if not isinstance(filters, list):
        return UNDEFINED
    return {"filters": [_filter(each, new=scope.version >= 2) for each in filters]}


def _filter(each: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    listed = each.get("name") if each.get("listName") == "other" else each.get("listName")
    name = listed if new else each.get("dimensionName", "")
    return {
        "dimensionName": name,
        "operator": each.get("operator", "EXACT"),
        "expressions": [each.get("expressions", "")],
    }


def view_rows(scope: Scope) -> Any:
    """Return the rows of a report; without `simple` the report itself. Raise ThrownError as n8n's code fails."""
    answer = scope.names["response"]
    reports = answer.get("reports", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED
    if not scope.parameters.get("simple"):
        return reports
    made = []
    for each in iterated(reports, "responseData"):
        header = each.get("columnHeader")
        if header is None:
            raise unreadable(UNDEFINED, "dimensions", scope.index)
        metrics = [entry["name"] for entry in (header.get("metricHeader") or {}).get("metricHeaderEntries") or []]
        for row in (each.get("data") or {}).get("rows") or []:
            values = [value for metric in row.get("metrics") or [] for value in metric.get("values") or []]
            names = dict(zip(map(js_string, header.get("dimensions") or []), row.get("dimensions") or [], strict=False))
            made.append(names | dict(zip(metrics, values, strict=False)))
    return made


def view_token(scope: Scope) -> Any:
    """Return the mark of the next page; UNDEFINED: there is none."""
    answer = scope.names["response"]
    reports = answer.get("reports") if isinstance(answer, Mapping) else None
    first = reports[0] if isinstance(reports, list) and reports else None
    return (first.get("nextPageToken") if isinstance(first, Mapping) else None) or UNDEFINED
