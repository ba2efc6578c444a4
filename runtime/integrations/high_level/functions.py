"""HighLevel: the members of contacts, opportunities and tasks."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.dates import parse_date
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_SHORT_NUMBER: Final = 6


def contact(scope: Scope) -> dict[str, Any]:
    """Return the members of a contact to create or to change."""
    parameters = scope.parameters
    both = parameters.get("operation") == "create"  # n8n sends those of a new contact also when they are empty
    body = {
        name: parameters[name] for name in ("email", "phone") if (both and name in parameters) or parameters.get(name)
    }
    for name, each in (parameters.get("additionalFields") or parameters.get("updateFields") or {}).items():
        body[name] = FILTERS["split"](each) if name == "tags" else FILTERS["locator"](each)
    return body


def pipeline(scope: Scope) -> Any:
    """Return the pipeline, percent-encoded; UNDEFINED where the operation has none. Raise NodeError for an empty one."""
    given = scope.parameters.get("pipelineId", UNDEFINED)
    if scope.parameters.get("resource") != "opportunity":
        return UNDEFINED
    if given == "":
        raise NodeError('Invalid identifier: "" is not allowed', item=scope.index)
    return FILTERS["quote"](given)


def opportunity(scope: Scope) -> dict[str, Any]:
    """Return the members of an opportunity to create or to change: those that must be there are the known ones."""
    parameters = scope.parameters
    names = ("stageId", "title", "status")
    body = {name: parameters[name] for name in names if name in parameters}
    given = dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    contact_ = given.pop("contactIdentifier", parameters.get("contactIdentifier", UNDEFINED))
    if given.get("tags"):
        given["tags"] = FILTERS["split"](given["tags"])
    body |= _known(scope, ("title", "status")) | given
    if contact_ is not UNDEFINED:
        text = js_string(contact_)
        body["email" if _is_email(text) else "phone" if _is_phone(text) else "contactId"] = contact_
    return body


def _is_email(text: str) -> bool:
    name, _, host = text.rpartition("@")
    return bool(name) and "." in host.strip(".") and " " not in text


def _is_phone(text: str) -> bool:
    digits = text.removeprefix("+").replace("-", "").replace(" ", "")
    return digits.isdecimal() and len(digits) > _SHORT_NUMBER


def task(scope: Scope) -> dict[str, Any]:
    """Return the members of a task to create or to change. Its date is null where it is none."""
    parameters = scope.parameters
    names = ("title", "dueDate", "completed")
    body = {name: parameters[name] for name in names if name in parameters}
    body |= dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    if "dueDate" in body:
        body["dueDate"] = _moment(body["dueDate"])
    return {"dueDate": None} | _known(scope, ("title", "dueDate")) | body


def _known(scope: Scope, names: tuple[str, ...]) -> dict[str, Any]:
    known = scope.names.get("known")
    return {name: known[name] for name in names if isinstance(known, Mapping) and name in known}


def _moment(value: Any) -> Any:
    if not isinstance(value, str) or parse_date(value) is None:
        return None
    return FILTERS["iso"](value).partition(".")[0] + "Z"
