"""QuickBooks Online: the body of a record, changes that need its sync token, queries and their pages, and reports."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.filters import is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

PAGE: Final = 1000
_COUNT: Final = "SELECT COUNT(*) FROM"
_WITH_LINES: Final = ("bill", "estimate", "invoice")
_REFERENCE: Final = {"bill": "VendorRef", "estimate": "CustomerRef", "invoice": "CustomerRef", "payment": "CustomerRef"}
_OBJECTS: Final = ("BillAddr", "ShipAddr", "APAccountRef", "SalesTermRef")
"""Fixed collections whose group `details` is the object."""
_WRAPPED: Final = {
    "BillEmail": "Address", "PrimaryEmailAddr": "Address", "PrimaryPhone": "FreeFormNumber", "CustomerMemo": "value",
    "CustomerRef": "value", "VendorRef": "value",
}  # fmt: skip
"""Fields that are an object of one member."""


def _entity(resource: str) -> str:
    return resource[:1].upper() + resource[1:]


def answered(scope: Scope) -> Any:
    """Return the record of an answer, which is a member with the name of the resource."""
    answer = scope.names["response"]
    return (
        answer.get(_entity(js_string(scope.parameters.get("resource", UNDEFINED))))
        if isinstance(answer, Mapping)
        else answer
    )


def record(scope: Scope) -> dict[str, Any]:
    """Return the body of a new record. Raise NodeError where it lacks lines."""
    parameters = scope.parameters
    resource = js_string(parameters.get("resource", UNDEFINED))
    body: dict[str, Any] = {}
    if (name := _REFERENCE.get(resource)) is not None:
        body[name] = {"value": parameters.get(name)}
    if resource in _WITH_LINES:
        lines = parameters.get("Line")
        if not isinstance(lines, list) or not lines:
            raise NodeError(f"Please enter at least one line for the {resource}.")
        body["Line"] = [_line(each) for each in lines]
    if resource == "payment":
        body["TotalAmt"] = parameters.get("TotalAmt")
    elif resource == "employee":
        body |= {name: parameters.get(name) for name in ("FamilyName", "GivenName")}
    elif resource in ("customer", "vendor"):
        body["DisplayName"] = parameters.get("displayName")
    return body | _fields(parameters.get("additionalFields"))


def _line(given: Any) -> dict[str, Any]:
    line = dict(given) if isinstance(given, Mapping) else {}
    if any(name not in line for name in ("DetailType", "Amount", "Description")):
        raise NodeError("Please enter detail type, amount and description for every line.")
    kind = js_string(line.get("DetailType") or "")
    tax = line.pop("TaxCodeRef", None)
    detail: dict[str, Any] = {}
    if kind == "AccountBasedExpenseLineDetail":
        detail["AccountRef"] = {"value": line.pop("accountId", None)}
    else:
        detail["ItemRef"] = {"value": line.pop("itemId", None)}
    if kind == "SalesItemLineDetail":
        detail["TaxCodeRef"] = {} if tax is None else {"value": tax}
        if "Qty" in line:
            detail["Qty"] = line.pop("Qty")
    return line | {kind: detail}


def _fields(given: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, each in (given if isinstance(given, Mapping) else {}).items():
        if name == "CustomFields":
            fields = (each.get("Field") if isinstance(each, Mapping) else None) or []
            made["CustomField"] = [{**field, "Type": "StringType"} for field in fields]
        elif name in _OBJECTS:
            details = each.get("details") if isinstance(each, Mapping) else None
            members = details.items() if isinstance(details, Mapping) else ()
            made[name] = {key: member for key, member in members if not is_empty(member)}
        elif name == "TotalTax":
            made["TxnTaxDetail"] = {"TotalTax": each}
        elif name in _WRAPPED:
            made[name] = {_WRAPPED[name]: each}
        else:
            made[name] = each
    return made


def _address(scope: Scope) -> tuple[str, str]:
    resource = js_string(scope.parameters.get("resource", UNDEFINED))
    return resource, js_string(scope.parameters.get(f"{resource}Id"))


async def _stored(run: Run, scope: Scope) -> Mapping[str, Any]:
    resource, id_ = _address(scope)
    answer = await run.request(scope, path=f"/{resource}/{segment(id_)}")
    found = answer.get(_entity(resource)) if isinstance(answer, Mapping) else None
    return found if isinstance(found, Mapping) else {}


async def update(run: Run, scope: Scope) -> list[Item]:
    """Change a record: it is read first, for its sync token and the name that a change must repeat."""
    resource, id_ = _address(scope)
    stored = await _stored(run, scope)
    body: dict[str, Any] = {"Id": id_, "SyncToken": stored.get("SyncToken"), "sparse": True}
    if (name := _REFERENCE.get(resource)) is not None:
        reference = stored.get(name)
        if not isinstance(reference, Mapping):
            raise NodeError("Cannot read properties of undefined (reading 'name')")
        body[name] = {"name": reference.get("name"), "value": reference.get("value")}
    changes = scope.parameters.get("updateFields")
    if is_empty(changes):
        raise NodeError(f"Please enter at least one field to update for the {resource}.")
    answer = await run.request(scope, method="POST", path=f"/{resource}", json=body | _fields(changes))
    return [{"json": answer.get(_entity(resource)) or {}}]


async def end(run: Run, scope: Scope) -> list[Item]:
    """Delete or void a record."""
    resource, _ = _address(scope)
    stored = await _stored(run, scope)
    operation = scope.parameters.get("operation")
    record = {"Id": scope.parameters.get(f"{resource}Id"), "SyncToken": stored.get("SyncToken")}
    sent = {"query": {**record, "operation": operation}}
    if operation == "delete":
        sent = {"query": {"operation": operation}, "json": record}
    answer = await run.request(scope, method="POST", path=f"/{resource}", **sent)
    return [{"json": answer.get(_entity(resource)) or {}}]


async def get_all(run: Run, scope: Scope) -> list[Item]:
    """Query records: up to `limit`, or all of them in pages, for which they are counted first."""
    resource = js_string(scope.parameters.get("resource", UNDEFINED))
    given = js_string((scope.parameters.get("filters") or {}).get("query") or "")
    text = " ".join(["SELECT * FROM", resource, *([given] if given else [])])
    if not scope.parameters.get("returnAll"):
        limit = js_string(scope.parameters.get("limit", UNDEFINED))
        return [{"json": each} for each in await _query(run, scope, f"{text} MAXRESULTS {limit}")]
    answer = await run.request(scope, path="/query", query={"query": f"{_COUNT} {resource}"})
    counted = (answer.get("QueryResponse") or {}).get("totalCount") if isinstance(answer, Mapping) else 0
    found: list[Any] = []
    while True:
        page = await _query(run, scope, f"{text} MAXRESULTS {PAGE} STARTPOSITION {len(found) + 1}")
        found += page
        if not page or len(found) >= (counted or 0):
            return [{"json": each} for each in found]


async def _query(run: Run, scope: Scope, text: str) -> list[Any]:
    answer = await run.request(scope, path="/query", query={"query": text})
    held = answer.get("QueryResponse") if isinstance(answer, Mapping) else None
    found = (
        held.get(_entity(js_string(scope.parameters.get("resource", UNDEFINED)))) if isinstance(held, Mapping) else None
    )
    return found if isinstance(found, list) else []


def report_filters(scope: Scope) -> dict[str, Any]:
    """Return the query of a report."""
    made: dict[str, Any] = {}
    for name, each in (scope.parameters.get("filters") or {}).items():
        if isinstance(each, list):
            made[name] = ",".join(map(js_string, each))
        elif isinstance(each, Mapping):
            for group in each.values():
                made |= {key: js_string(day)[:10] for key, day in group.items()} if isinstance(group, Mapping) else {}
        else:
            made[name] = each
    return made


def report_rows(scope: Scope) -> Any:
    """Return the rows of a report, by the names of its columns."""
    answer = scope.names["response"]
    columns = [each.get("ColType") for each in answer["Columns"]["Column"]]
    rows = (answer.get("Rows") or {}).get("Row") or []
    return [
        {js_string(name): cell.get("value") for name, cell in zip(columns, each.get("ColData") or [], strict=False)}
        for each in rows
    ]
