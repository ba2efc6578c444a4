"""WhatsApp: recipients, contacts, the components of templates, and questions."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string
from schemas.item import UNDEFINED

_COMPONENTS: Final = frozenset({"body", "button", "header"})
_BUTTON: Final = ("type", "text", "payload")
_HEADER: Final = {"text": ("text",), "currency": ("code", "amount_1000"), "date_time": ("date_time",)}
"""Type of a parameter of a header -> its members, which n8n sends beside the type."""
_SEPARATORS: Final = str.maketrans("", "", "-()+")


def recipient(scope: Scope) -> str:
    """Return the phone number of the recipient without the signs in it; spaces stay, as in n8n. Raise ThrownError for no text."""
    if scope.parameters.fact("recipientPhoneNumber") is None:  # the operation has none
        return ""
    given = scope.parameters.get("recipientPhoneNumber", UNDEFINED)
    if given is None or given is UNDEFINED:
        raise unreadable(given, "replace", scope.index)
    if not isinstance(given, str):
        raise ThrownError(
            "phoneNumber.replace is not a function", description="A phone number is a text.", item=scope.index
        )
    return given.translate(_SEPARATORS)


def is_untold(scope: Scope) -> bool:
    """Return whether a refused request was answered without a text of the error, on which n8n's code fails."""
    return untold(scope) is not None


def untold(scope: Scope) -> str | None:
    """Return what n8n's code says of an answer without a text of the error; None for one with a text."""
    answer = scope.names["response"]
    if answer is None:
        return "Cannot read properties of null (reading 'error')"
    error = answer.get("error") if isinstance(answer, Mapping) else None
    message = error.get("message", UNDEFINED) if isinstance(error, Mapping) else UNDEFINED
    if isinstance(message, str):
        return None
    if message is None or message is UNDEFINED:
        return unreadable(message, "replace").message
    return "error.message.replace is not a function"


def file_name(scope: Scope) -> Any:
    """Return the name of a document that was uploaded: the given one, else the binary's; UNDEFINED for other media."""
    if scope.parameters.get("messageType") != "document":
        return UNDEFINED
    given = (scope.parameters.get("additionalFields") or {}).get("mediaFilename")
    binary: Mapping[str, Any] = (scope.item.get("binary") or {}).get(
        js_string(scope.parameters.get("mediaPropertyName", UNDEFINED))
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
    return dict(members) if isinstance(members, Mapping) else {}


def _renamed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"wa_id" if name == "whatsapp_user_id" else name: each for name, each in entry.items()}


def _entries(given: Any, group: str) -> list[Mapping[str, Any]]:
    found = given.get(group) if isinstance(given, Mapping) else None
    entries = found if isinstance(found, list) else [found]
    return [each for each in entries if isinstance(each, Mapping)]


def template(scope: Scope) -> dict[str, Any]:
    """Return a template with its language and components. Its name carries the language behind a bar."""
    given = scope.parameters.get("template", UNDEFINED)
    if given is UNDEFINED or given is None:
        raise unreadable(given, "split", scope.index)
    name, _, rest = js_string(given).partition("|")
    language = rest.partition("|")[0]
    made: dict[str, Any] = {"name": name, "language": {"code": language} if language else {}}
    if isinstance(components := scope.parameters.get("components"), Mapping) and "component" in components:
        made["components"] = [_component(each) for each in _entries(components, "component")]
    return made


def _component(given: Mapping[str, Any]) -> dict[str, Any]:
    type_ = given.get("type", "body")
    group = given.get(f"{type_}Parameters")
    if type_ == "header" and isinstance(group, Mapping) and "parameter" not in group:
        raise unreadable(UNDEFINED, "map")
    if type_ not in _COMPONENTS:
        return {"type": type_}
    parameters = _entries(group, "parameter")
    if type_ == "button":
        shown = {name: each for name, each in parameters[0].items() if name in _BUTTON} if parameters else None
        button = {"sub_type": given.get("sub_type", "quick_reply"), "index": js_string(given.get("index", 0))}
        return {"type": type_, **button, "parameters": [shown]}
    return {"type": type_, "parameters": [(_in_header if type_ == "header" else _in_body)(each) for each in parameters]}


def _in_header(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter of a header: its members as they are, but for a picture."""
    type_ = given.get("type", "text")
    if type_ == "image":
        return {"type": type_, "image": {"link": given.get("imageLink")}}
    return {"type": type_, **{name: each for name, each in given.items() if name in _HEADER.get(type_, ())}}


def _in_body(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a parameter of a body; None for a type that it cannot have."""
    type_ = given.get("type", "text")
    if type_ == "currency":
        thousandths = js_number(given.get("amount_1000")) * 1000
        currency = {
            "code": given.get("code"),
            "fallback_value": given.get("fallback_value"),
            "amount_1000": thousandths,
        }
        return {"type": type_, "currency": currency}
    if type_ == "date_time":
        return {"type": type_, "date_time": {"fallback_value": given.get("date_time")}}
    return {"type": type_, "text": given.get("text")} if type_ == "text" else None


def question(scope: Scope) -> str:
    """Return the text of a question: a message has no buttons, so that each answer is a line with its link.

    The link ends in a parameter that nobody reads: a client that takes the underscore behind it for a part of it changes nothing.
    """
    answers = [f"*{each['label']}:*\n_{each['url']}&signature=_\n\n" for each in scope.names["buttons"]]
    return "".join([f"{scope.names['message']}\n\n", *answers])
