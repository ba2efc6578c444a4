"""WhatsApp: recipients, contacts, the components of templates, and questions."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_SEPARATORS: Final = str.maketrans("", "", "-()+ ")


def recipient(scope: Scope) -> str:
    """Return the phone number of the recipient in digits."""
    return js_string(scope.parameters.get("recipientPhoneNumber", "")).translate(_SEPARATORS)


def file_name(scope: Scope) -> Any:
    """Return the name of a document that was uploaded: the given one, else the binary's; UNDEFINED for other media."""
    if scope.parameters.get("messageType") != "document":
        return UNDEFINED
    given = (scope.parameters.get("additionalFields") or {}).get("mediaFilename")
    binary: Mapping[str, Any] = (scope.item.get("binary") or {}).get(
        js_string(scope.parameters.get("mediaPropertyName"))
    ) or {}
    return given or binary.get("fileName")


def contact(scope: Scope) -> dict[str, Any]:
    """Return a contact card."""
    extras = scope.parameters.get("additionalFields") or {}
    card: dict[str, Any] = {"name": _given((scope.parameters.get("name") or {}).get("data"))}
    if birthday := extras.get("birthday"):
        card["birthday"] = birthday
    if organization := _given((extras.get("organization") or {}).get("data")):
        card["org"] = organization
    for name, group in {"addresses": "address", "emails": "data", "phones": "data", "urls": "url"}.items():
        if entries := _entries(extras.get(name), group):
            card[name] = [_renamed(_given(each)) for each in entries]
    return card


def _given(members: Any) -> dict[str, Any]:
    return {name: each for name, each in members.items() if each != ""} if isinstance(members, Mapping) else {}


def _renamed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"wa_id" if name == "whatsapp_user_id" else name: each for name, each in entry.items()}


def _entries(given: Any, group: str) -> list[Mapping[str, Any]]:
    found = given.get(group) if isinstance(given, Mapping) else None
    entries = found if isinstance(found, list) else [found]
    return [each for each in entries if isinstance(each, Mapping)]


def template(scope: Scope) -> dict[str, Any]:
    """Return a template with its language and components. Its name carries the language behind a bar."""
    name, _, language = js_string(scope.parameters.get("template", "")).partition("|")
    made: dict[str, Any] = {"name": name, "language": {"code": language} if language else {}}
    if components := _entries(scope.parameters.get("components"), "component"):
        made["components"] = [_component(each) for each in components]
    return made


def _component(given: Mapping[str, Any]) -> dict[str, Any]:
    type_ = given.get("type", "body")
    made: dict[str, Any] = {"type": type_}
    if type_ == "button":
        made |= {"sub_type": given.get("sub_type"), "index": js_string(given.get("index", 0))}
    parameters = _entries(given.get(f"{type_}Parameters"), "parameter")
    if parameters:
        made["parameters"] = [_parameter(each) for each in parameters]
    return made


def _parameter(given: Mapping[str, Any]) -> dict[str, Any]:
    type_ = given.get("type", "text")
    if type_ == "currency":
        currency = {name: given.get(name) for name in ("code", "fallback_value", "amount_1000")}
        return {"type": type_, "currency": currency}
    if type_ == "date_time":
        return {"type": type_, "date_time": {"fallback_value": given.get("date_time")}}
    if type_ == "image":
        return {"type": type_, "image": {"link": given.get("imageLink")}}
    return {"type": type_, type_: given.get(type_)}


def question(scope: Scope) -> str:
    """Return the text of a question: a message has no buttons, so that each answer is a line with its link.

    The link ends in a parameter that nobody reads: a client that takes the underscore behind it for a part of it changes nothing.
    """
    answers = [f"*{each['label']}:*\n_{each['url']}&signature=_\n\n" for each in scope.names["buttons"]]
    return "".join([f"{scope.names['message']}\n\n", *answers])
