"""Zoho CRM: the fields of a record as Zoho has them, and the number of the next page."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.answers import member_of_answer, unreadable
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_OWN: Final = {
    "accountName": "Account_Name", "lastName": "Last_Name", "dealName": "Deal_Name", "stage": "Stage", "subject": "Subject",
    "Company": "Company", "productName": "Product_Name", "vendorName": "Vendor_Name",
}  # fmt: skip
"""Parameters beside the collection that are fields."""
_LINKS: Final = {"vendorId": "Vendor_Name", "accountId": "Account_Name"}
"""Parameters of a new order that name another record."""
_OTHERS: Final = {"accountId": "Account_Name", "contactId": "Full_Name", "dealId": "Deal_Name"}
"""Members of the collection that name another record."""
_DAYS: Final = ("Closing_Date", "Date_of_Birth", "Due_Date", "Invoice_Date", "PO_Date", "Valid_Till")
_ORDERS: Final = ("purchaseOrder", "salesOrder")


def record(scope: Scope) -> dict[str, Any]:
    """Return the fields of a record to create or to change."""
    parameters = scope.parameters
    made = {name: parameters[key] for key, name in _OWN.items() if key in parameters}
    if parameters.get("resource") in _ORDERS and parameters.get("operation") != "update":
        made |= {name: {"id": parameters[key]} for key, name in _LINKS.items() if key in parameters}
    if "Product_Details" in parameters:
        made["Product_Details"] = _products(parameters["Product_Details"], parameters.get("operation"))
    for name, each in (parameters.get("additionalFields") or parameters.get("updateFields") or {}).items():
        made |= _field(name, each)
    return made


def no_changes(scope: Scope) -> Any:
    """Return why a record cannot be changed: no field is given; UNDEFINED: one is."""
    if scope.parameters.get("updateFields") or "Product_Details" in scope.parameters:
        return UNDEFINED
    return f"Please enter at least one field to update for the {js_string(scope.parameters.get('resource'))}."


def _products(given: Any, operation: Any) -> list[Any]:
    listed = given if isinstance(given, list) else []
    made = [
        {**each, "product": {"id": each["id"]} if "id" in each else {}, "quantity": each.get("quantity") or 1}
        for each in listed
    ]
    return [{name: part for name, part in each.items() if operation != "upsert" or name != "id"} for each in made]


def _field(name: str, value: Any) -> dict[str, Any]:
    if name == "Product_Details":
        return {name: _products(value, "update")}
    if name in _OTHERS:
        return {_OTHERS[name]: {"id": value}}
    if name == "customFields":
        fields = (value.get("customFields") if isinstance(value, Mapping) else None) or []
        return {js_string(each.get("fieldId", UNDEFINED)): each.get("value") for each in fields}
    if isinstance(value, Mapping):  # an address: n8n sends its lines as fields of the record
        return {key: part for group in value.values() if isinstance(group, Mapping) for key, part in group.items()}
    if name in _DAYS and not is_empty(value):
        return {name: FILTERS["date"](value)}
    return {name: value}


def next_page(scope: Scope) -> int:
    """Return the number of the next page."""
    return int(scope.names["pageNumber"]) + 1


def records(scope: Scope) -> Any:
    """Return the records of an answer: the answer itself where it has none, nothing where it is empty."""
    answer = scope.names["response"]
    if answer is UNDEFINED or answer == "":
        return []
    found = member_of_answer(answer, "data")
    return answer if found is UNDEFINED or found is None else found


def details(scope: Scope) -> Any:
    """Return what an answer says of the record that was changed. Raise NodeError for an answer without it, as JavaScript does."""
    found = member_of_answer(scope.names["response"], "data")
    if not isinstance(found, list):
        raise unreadable(UNDEFINED if not isinstance(found, str) else found, "0", scope.index)
    return member_of_answer(found[0] if found else UNDEFINED, "details")
