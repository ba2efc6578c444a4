"""Salesforce: the fields of a record, queries in SOQL, and the pages of their answers."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.salesforce.uploads import create_attachment, update_attachment, upload_document
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "create_attachment", "done", "fields", "next_page", "note", "soql", "update_attachment", "upload_document", "variables",
]  # fmt: skip

_WIRE: Final = {
    "lastname": "LastName", "firstname": "FirstName", "acconuntId": "AccountId", "owner": "OwnerId",
    "Assistant Phone": "AssistantPhone",
}  # fmt: skip
"""n8n's names that are not the field's own with a small first letter."""
_OWN: Final = ("company", "lastname", "name", "closeDate", "stageName", "type", "status")
"""Parameters beside the collection that are fields."""
LISTED: Final = {
    "lead": "id,company,firstname,lastname,street,postalCode,city,email,status",
    "contact": "id,firstname,lastname,email",
    "opportunity": "id,accountId,amount,probability,type",
    "account": "id,name,type",
    "case": "id,accountId,contactId,priority,status,subject,type",
    "task": "id,subject,status,priority",
    "user": "id,name,email",
    "attachment": "id,name",
}
"""What a list has when the node does not say which fields."""
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PATH: Final = re.compile(rf"{NAME.pattern}(?:\.{NAME.pattern})*")
_OPERATORS: Final = frozenset({"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE", "IN", "NOT IN", "INCLUDES", "EXCLUDES"})
_NO_CONTENT: Final = 204
_PLAIN: Final = re.compile(r"-?\d+(\.\d+)?|\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?")
"""Numbers and dates, which SOQL has without quotes."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?")
_TYPED: Final = 1.1
"""From this version on a number in a text is a text."""


def fields(scope: Scope) -> dict[str, Any]:
    """Return the fields of a record to create or to change."""
    parameters = scope.parameters
    given = {name: parameters[name] for name in _OWN if name in parameters}
    given |= parameters.get("additionalFields") or parameters.get("updateFields") or {}
    custom = given.pop("customFieldsUi", None) or parameters.get("customFieldsUi") or {}
    body = {
        _WIRE.get(name) or name[:1].upper() + name[1:]: FILTERS["locator"](each)
        for name, each in given.items()
        if not is_empty(each)
    }
    pairs = custom.get("customFieldsValues") or []
    return body | {js_string(each.get("fieldId", UNDEFINED)): each.get("value") for each in pairs}


def note(scope: Scope) -> dict[str, Any]:
    """Return the body of a note."""
    parameters = scope.parameters
    given = parameters.get("options") or {}
    parents = ("leadId", "contactId", "opportunityId", "accountId")
    parent = next((parameters[name] for name in parents if name in parameters), None)
    body = {"Title": parameters.get("title"), "ParentId": parent}
    made = {
        "Body": given.get("body"),
        "IsPrivate": given.get("isPrivate"),
        "OwnerId": FILTERS["locator"](given.get("owner")) or given.get("ownerId"),
    }
    return body | {name: each for name, each in made.items() if not is_empty(each)}


def done(scope: Scope) -> Any:
    """Return the answer, or what n8n says of one that is empty."""
    answer = scope.names["response"]
    empty = answer is UNDEFINED or answer is None or answer == "" or scope.names["status"] == _NO_CONTENT
    return {"errors": [], "success": True} if empty else answer


def soql(scope: Scope) -> str:
    """Return the query of a list."""
    parameters = scope.parameters
    options = parameters.get("options") or {}
    resource = js_string(parameters.get("resource", UNDEFINED))
    name = js_string(parameters["customObject"]) if resource == "customObject" else resource.capitalize()
    if not NAME.fullmatch(name):
        raise NodeError(f"Invalid SOQL object name: {name}", item=scope.index)
    chosen = options.get("fields") or f"{LISTED.get(resource, 'id')},LastModifiedDate"
    wanted = [_field(each) for each in (chosen if isinstance(chosen, list) else js_string(chosen).split(","))]
    tests = (options.get("conditionsUi") or {}).get("conditionValues") or []
    where = " AND ".join(_condition(each, scope.version) for each in tests)
    columns = ",".join(wanted)
    query = f"SELECT {columns} FROM {name} {f'WHERE {where}' if where else ''}"  # noqa: S608 - SOQL, which only reads
    return query if parameters.get("returnAll") else f"{query} LIMIT {js_string(parameters.get('limit'))}"


def _condition(given: Mapping[str, Any], version: float) -> str:
    name, operation = js_string(given.get("field", "")), js_string(given.get("operation") or "=")
    if not _PATH.fullmatch(name):
        raise NodeError(f"Invalid SOQL field name: {name}")
    operator = "=" if operation == "equal" else operation.upper()
    if operator not in _OPERATORS:
        raise NodeError(f"Invalid SOQL operator: {operation}")
    return f"{name} {operator} {_literal(given.get('value'), version)}"


def _field(given: Any) -> str:
    name = js_string(given).strip()
    if not _PATH.fullmatch(name):
        raise NodeError(f"Invalid SOQL field name: {name}")
    return name


def _literal(value: Any, version: float) -> str:
    """Return a value of SOQL; text in quotes, with what would end it escaped. Digits are text in the newer version."""
    if isinstance(value, bool | int | float):
        return js_string(value)
    text = js_string(value)
    plain = _DATE if version >= _TYPED else _PLAIN
    return text if plain.fullmatch(text) else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def next_page(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    path = scope.names["response"].get("nextRecordsUrl")
    return f"{scope.credential['oauthTokenData']['instance_url']}{path}" if path else UNDEFINED


def variables(scope: Scope) -> dict[str, Any]:
    """Return the input variables of a flow. Raise NodeError when they are not JSON."""
    parameters = scope.parameters
    if parameters.get("jsonParameters"):
        found: dict[str, Any] = FILTERS["json"](parameters.get("variablesJson") or "{}")
        return found
    pairs = (parameters.get("variablesUi") or {}).get("variablesValues") or []
    return {js_string(each.get("name", UNDEFINED)): each.get("value") for each in pairs}
