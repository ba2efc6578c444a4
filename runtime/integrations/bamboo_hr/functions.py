"""BambooHR: how requests are signed, the body of an employee, and what lists give."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_DATES: Final = frozenset({"dateOfBirth", "hireDate"})
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
    return body | {name: _date(each) if name in _DATES and each else each for name, each in given.items()}


def _date(value: Any) -> Any:
    return FILTERS["date"](value)


def created_id(scope: Scope) -> str:
    """Return the id of a new employee, which the header `location` ends with. Raise NodeError without it."""
    location = scope.names["headers"].get("location")
    if not location:
        raise NodeError("BambooHR did not say where the new employee is", item=scope.index)
    return js_string(location).rpartition("/")[2]


def fields(scope: Scope) -> str:
    """Return the names of the fields to read."""
    chosen = (scope.parameters.get("options") or {}).get("fields") or ["all"]
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
