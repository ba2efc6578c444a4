"""Mautic: the fields of contacts and companies, simple answers, and pages."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import member_of_answer
from runtime.integrations.filters import FILTERS, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

PAGE: Final = 30
_ADDRESS: Final = {name: name.lower() for name in ("address1", "address2", "city", "state", "country", "zipCode")}
_WIRE: Final = {
    "firstName": "firstname", "lastName": "lastname", "b2bOrb2c": "b2b_or_b2c", "crmId": "crm_id", "hasPurchased": "haspurchased",
    "prospectOrCustomer": "prospect_or_customer", "ipAddress": "ipAddress", "lastActive": "lastActive", "ownerId": "owner",
}  # fmt: skip
_COMPANY: Final = {
    "name": "companyname", "companyEmail": "companyemail", "annualRevenue": "companyannual_revenue",
    "numberOfEmpoyees": "companynumber_of_employees", "description": "companydescription", "fax": "companyfax",
    "industry": "companyindustry", "phone": "companyphone", "website": "companywebsite", "isPublished": "isPublished",
    "overwriteWithBlank": "overwriteWithBlank",
}  # fmt: skip


_IN_NUMBERS: Final = frozenset({"annualRevenue", "numberOfEmpoyees"})
"""Members of a company that are not sent where they are 0."""


def contact(scope: Scope) -> dict[str, Any]:
    """Return the body of a contact."""
    parameters = scope.parameters
    creating = parameters.get("operation") == "create"
    given = parameters.get("additionalFields" if creating else "updateFields") or {}
    body: dict[str, Any] = {}
    if parameters.get("jsonParameters"):
        found = FILTERS["json"](parameters.get("bodyJson") if creating else given.get("bodyJson"))
        body = dict(found) if isinstance(found, Mapping) else {}
    elif creating:
        for name in ("email", "firstName", "lastName", "company", "position", "title"):
            body[_WIRE.get(name, name)] = parameters.get(name)
    return body | _fields({name: each for name, each in given.items() if name != "bodyJson"}, _WIRE, "")


def company(scope: Scope) -> dict[str, Any]:
    """Return the body of a company."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or parameters.get("updateFields") or {}
    body = {"companyname": parameters["name"]} if "name" in parameters else {}
    sent = {name: each for name, each in given.items() if name not in _IN_NUMBERS or truthy(each)}
    return body | _fields(sent, _COMPANY, "company")


def _fields(given: Mapping[str, Any], wire: Mapping[str, str], prefix: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, each in given.items():
        if name == "addressUi":
            values = (each or {}).get("addressValues") or {}
            body |= {f"{prefix}{to}": values.get(key, "") for key, to in _ADDRESS.items()}
        elif name == "customFieldsUi":
            pairs = (each or {}).get("customFieldValues") or []
            body |= {js_string(pair.get("fieldId", UNDEFINED)): pair.get("fieldValue") for pair in pairs}
        elif name == "socialMediaUi":
            values = (each or {}).get("socialMediaValues") or {}
            body |= {key.lower(): value for key, value in values.items()}
        else:
            body[wire.get(name, snake_case(name))] = each
    return body


def _resource(scope: Scope) -> tuple[str, str]:
    single = js_string(scope.parameters.get("resource", UNDEFINED))
    return single, "companies" if single == "company" else f"{single}s"


def _shown(scope: Scope, record: Any) -> Any:
    """Return a record, or, where the node keeps it simple, its fields."""
    parameters = scope.parameters
    options = parameters.get("options") or {}
    simple = parameters.get("simple") if "simple" in parameters else options.get("rawData", True) is False
    if not simple or not isinstance(record, Mapping):
        return record
    if not isinstance(fields := record.get("fields"), Mapping):
        raise NodeError("Cannot read properties of undefined (reading 'all')")
    return fields.get("all")


def no_errors(scope: Scope) -> bool:
    """Return False. Raise NodeError for an answer without a body, in which n8n's node looks for errors."""
    member_of_answer(UNDEFINED if scope.names["response"] == "" else scope.names["response"], "errors")
    return False


def plain(scope: Scope) -> Any:
    """Return the record of an answer."""
    single, _ = _resource(scope)
    answer = scope.names["response"]
    return _shown(scope, member_of_answer(answer, single))


def page(scope: Scope) -> list[Any]:
    """Return the records of a page, which its answer has by id."""
    _, plural = _resource(scope)
    found = scope.names["response"].get(plural) or {}
    return [_shown(scope, each) for each in (found.values() if isinstance(found, Mapping) else found)]


def next_start(scope: Scope) -> Any:
    """Return where the next page starts; UNDEFINED when these are all."""
    total = int(scope.names["response"].get("total") or 0)
    more = scope.names["found"] and total > scope.names["collected"]
    return PAGE * scope.names["pageNumber"] if more else UNDEFINED
