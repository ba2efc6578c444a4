"""BambooHR: how requests are signed, the body of an employee, and what lists give."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import elements_of
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.dates import parse_date
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_DATES: Final = frozenset({"dateOfBirth", "hireDate"})
_WORDS: Final = frozenset({"exempt", "gender", "maritalStatus", "paidPer", "payType"})
_SYNCED: Final = (
    "dateOfBirth", "department", "division", "employeeNumber", "exempt", "gender", "hireDate", "location",
    "maritalStatus", "mobilePhone", "paidPer", "payType", "preferredName", "ssn",
)  # fmt: skip
"""What stands beside `additionalFields` when the company is synchronised with a payroll."""


def authorization(scope: Scope) -> str:
    """Return the header: Basic with the key as user."""
    pair = f"{js_string(scope.credential.get('apiKey', ''))}:x"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def employee(scope: Scope) -> dict[str, Any]:
    """Return the body of a new employee. Raise NodeError for a date that is none."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or {})
    if parameters.get("synced"):
        given |= {name: parameters.get(name) for name in (*_SYNCED, "address", "payRate")}
    body = {"firstName": parameters.get("firstName"), "lastName": parameters.get("lastName")}
    body["address"] = (given.pop("address", None) or {}).get("value") or {}
    if "payRate" in given:
        body["payRate"] = (given.pop("payRate") or {}).get("value") or {}
    return body | {name: _field(name, each) for name, each in given.items()}


def changes(scope: Scope) -> dict[str, Any]:
    """Return the body of an employee that changes: its address is empty, as n8n sends it. Raise NodeError for a date that is none."""
    parameters = scope.parameters
    given = dict(parameters.get("updateFields") or {})
    if parameters.get("synced"):
        given |= {name: parameters.get(name) for name in (*_SYNCED, "payRate", "firstName", "lastName")}
    if not given:
        raise NodeError("At least one fields must be updated", item=scope.index)
    body: dict[str, Any] = {"address": {}}
    if "payRate" in given:
        body["payRate"] = (given.pop("payRate") or {}).get("value") or {}
    return body | {name: _field(name, each) for name, each in given.items()}


def file_changes(scope: Scope) -> dict[str, Any]:
    """Return the body of a file that changes: one of the company is shared unless the node says otherwise, one of an employee is not."""
    given = dict(scope.parameters.get("updateFields") or {})
    shared = given.get("shareWithEmployee", scope.parameters.get("resource") == "file")
    sent = {"shareWithEmployee": "yes" if shared else "no"}
    return sent if scope.parameters.get("resource") == "file" else given | sent


def sent_name(scope: Scope) -> Any:
    """Return the name of the file that goes up."""
    ref = (scope.item.get("binary") or {}).get(js_string(scope.parameters.get("binaryPropertyName", UNDEFINED)))
    return UNDEFINED if ref is None else ref.get("fileName", UNDEFINED)


def _field(name: str, value: Any) -> Any:
    if name in _DATES and value:
        return _date(value)
    return _words(js_string(value)) if name in _WORDS and value else value


def _words(text: str) -> str:
    """Return the words of a name, each with a capital: `exceptionHourly` and `non-exempt` have two."""
    spaced = "".join(f" {each}" if each.isupper() else " " if each in "-_" else each for each in text)
    return " ".join(each[:1].upper() + each[1:].lower() for each in spaced.split())


def _date(value: Any) -> Any:
    known = isinstance(value, int | float) or parse_date(js_string(value)) is not None
    return FILTERS["date"](value) if known else "Invalid date"


def created_id(scope: Scope) -> str:
    """Return the id of a new employee, which the header `location` ends with. Raise NodeError without it."""
    location = scope.names["headers"].get("location")
    if not location:
        raise NodeError("BambooHR did not say where the new employee is", item=scope.index)
    return js_string(location).rpartition("/")[2]


def fields(scope: Scope) -> str:
    """Return the names of the fields to read: those that the directory has where the node names none. Raise NodeError."""
    chosen = (scope.parameters.get("options") or {}).get("fields")
    if not chosen:
        chosen = FILTERS["pluck"](elements_of(scope.names["directory"], "fields", "map"), "id")
    return ",".join(map(js_string, chosen))


def some(scope: Scope) -> list[Any]:
    """Return the first employees. Raise NodeError when the answer has no list."""
    return _list(scope, "employees")[: int(scope.parameters.get("limit") or 0)]


def files(scope: Scope) -> Any:
    """Return the files of all categories, or the categories with their files. Raise NodeError."""
    if not scope.parameters.get("simplifyOutput", True):
        categories = scope.names["response"].get("categories", UNDEFINED)
        if scope.parameters.get("returnAll") or not isinstance(categories, list):
            return categories
        return categories[: int(scope.parameters.get("limit") or 0)]
    found = [
        each
        for category in _list(scope, "categories")
        if isinstance(category, Mapping)
        for each in category.get("files") or []
    ]
    return found if scope.parameters.get("returnAll") else found[: int(scope.parameters.get("limit") or 0)]


def _list(scope: Scope, name: str) -> list[Any]:
    found = scope.names["response"].get(name)
    if not isinstance(found, list):
        raise NodeError(f"The answer of BambooHR has no {name}", item=scope.index)
    return found
