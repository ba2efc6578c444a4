"""Xero: contacts and invoices as its API has them, filters, and pages."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.filters import is_empty
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_CONTACT: Final = {
    "accountNumber": "AccountNumber", "bankAccountDetails": "BankAccountDetails", "contactNumber": "ContactNumber",
    "contactStatus": "ContactStatus", "defaultCurrency": "DefaultCurrency", "emailAddress": "EmailAddress",
    "firstName": "FirstName", "lastName": "LastName", "name": "Name",
    "purchasesDefaultAccountCode": "PurchasesDefaultAccountCode", "salesDefaultAccountCode": "SalesDefaultAccountCode",
    "skypeUserName": "SkypeUserName", "taxNumber": "taxNumber", "xeroNetworkKey": "xeroNetworkKey",
}  # fmt: skip
_INVOICE: Final = {
    "brandingThemeId": "BrandingThemeID", "currency": "CurrencyCode", "currencyRate": "CurrencyRate", "date": "Date",
    "dueDate": "DueDate", "expectedPaymentDate": "ExpectedPaymentDate", "invoiceNumber": "InvoiceNumber",
    "lineAmountType": "LineAmountTypes", "plannedPaymentDate": "PlannedPaymentDate", "reference": "Reference",
    "sendToContact": "SentToContact", "status": "Status", "url": "Url",
}  # fmt: skip
_LINE: Final = {
    "accountCode": "AccountCode", "description": "Description", "discountRate": "DiscountRate", "itemCode": "ItemCode",
    "lineAmount": "LineAmount", "taxAmount": "TaxAmount", "taxType": "TaxType", "unitAmount": "UnitAmount",
}  # fmt: skip
_ADDRESS: Final = {
    "type": "AddressType", "line1": "AddressLine1", "line2": "AddressLine2", "city": "City", "region": "Region",
    "postalCode": "PostalCode", "country": "Country", "attentionTo": "AttentionTo",
}  # fmt: skip
_PHONE: Final = {
    "phoneType": "PhoneType", "phoneNumber": "PhoneNumber", "phoneAreaCode": "PhoneAreaCode",
    "phoneCountryCode": "PhoneCountryCode",
}  # fmt: skip


def _named(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {wire: given[name] for name, wire in names.items() if name in given}


def _given(scope: Scope) -> Mapping[str, Any]:
    parameters = scope.parameters
    return parameters.get("additionalFields") or parameters.get("updateFields") or {}


def contact(scope: Scope) -> dict[str, Any]:
    """Return the body of a contact."""
    given = _given(scope)
    body = {"Name": scope.parameters["name"]} if "name" in scope.parameters else {}
    body |= {name: each for name, each in _named(given, _CONTACT).items() if not is_empty(each)}
    for name, group, wire, names in (
        ("addressesUi", "addressesValues", "Addresses", _ADDRESS),
        ("phonesUi", "phonesValues", "Phones", _PHONE),
    ):
        if values := (given.get(name) or {}).get(group):
            body[wire] = [_named(each, names) for each in values]
    return body


def invoice(scope: Scope) -> dict[str, Any]:
    """Return the body of an invoice."""
    parameters, given = scope.parameters, _given(scope)
    body: dict[str, Any] = {"Type": parameters["type"]} if "type" in parameters else {}
    if "contactId" in parameters:
        body["Contact"] = {"ContactID": parameters["contactId"]}
    lines = (parameters.get("lineItemsUi") or given.get("lineItemsUi") or {}).get("lineItemsValues")
    if lines:
        body["LineItems"] = [_line(each) for each in lines]
    return body | {name: each for name, each in _named(given, _INVOICE).items() if not is_empty(each)}


def _line(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Tracking": [], **_named(given, _LINE), "Quantity": js_string(given.get("quantity", UNDEFINED))}


def filters(scope: Scope) -> dict[str, Any]:
    """Return the query of a list."""
    options = scope.parameters.get("options") or {}
    made = {name: options[name] for name in ("includeArchived", "where", "createdByMyApp") if options.get(name)}
    if options.get("orderBy"):
        made["order"] = f"{js_string(options['orderBy'])} {js_string(options.get('sortOrder') or 'DESC')}"
    if options.get("statuses"):
        made["statuses"] = ",".join(map(js_string, options["statuses"]))
    return made | ({"page": 1} if scope.parameters.get("returnAll") else {})


def next_page(scope: Scope) -> Any:
    """Return the number of the next page; UNDEFINED after an empty page."""
    return scope.names["pageNumber"] + 1 if scope.names["found"] else UNDEFINED
