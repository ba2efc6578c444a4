"""Brevo: mails with their files, attributes of contacts, and the pages of contacts."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item
from runtime.integrations.files import encoded
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_PAGE: Final = 1000
_ADDRESS: Final = re.compile(r"^(?:(?P<name>[^<>]*)<)?(?P<email>[^\s<>@,]+@[^\s<>@,]+)>?$")


def attributes(scope: Scope) -> Any:
    """Return the attributes of a contact; UNDEFINED without any."""
    parameters = scope.parameters
    groups = (
        ("createContactAttributes", "attributesValues"),
        ("upsertAttributes", "upsertAttributesValues"),
        ("updateAttributes", "updateAttributesValues"),
    )
    given = [each for name, group in groups for each in (parameters.get(name) or {}).get(group) or []]
    return {js_string(each.get("fieldName", "")): each.get("fieldValue") for each in given} or UNDEFINED


def next_offset(scope: Scope) -> Any:
    """Return where the next page of contacts begins; UNDEFINED after one that is not full."""
    return scope.names["collected"] if len(scope.names["found"]) >= _PAGE else UNDEFINED


async def send(run: Run, scope: Scope) -> list[Item]:
    """Send a mail of its own text. Raise NodeError."""
    parameters = scope.parameters
    html = bool(parameters.get("sendHTML"))
    body: dict[str, Any] = {"subject": parameters.get("subject")}
    body |= {"htmlContent": parameters.get("htmlContent")} if html else {"textContent": parameters.get("textContent")}
    if sender := _addresses(parameters.get("sender")):
        body["sender"] = sender[0]
    return await _send(run, scope, body)


async def send_template(run: Run, scope: Scope) -> list[Item]:
    """Send a mail of a template. Raise NodeError."""
    return await _send(run, scope, {"templateId": scope.parameters.get("templateId")})


async def _send(run: Run, scope: Scope, body: dict[str, Any]) -> list[Item]:
    given: Mapping[str, Any] = scope.parameters.get("additionalFields") or {}
    body["to"] = _addresses(scope.parameters.get("receipients"))
    for name, group, member, wire in (
        ("receipientsBCC", "receipientBcc", "bcc", "bcc"),
        ("receipientsCC", "receipientCc", "cc", "cc"),
    ):
        if name in given:
            body[wire] = [each for entry in _entries(given, name, group) for each in _addresses(entry.get(member))]
    if "emailTags" in given:
        body["tags"] = [each.get("tag") for each in _entries(given, "emailTags", "tags")]
    if "templateParameters" in given:
        pairs = [
            js_string(each.get("parameters", "")) for each in _entries(given, "templateParameters", "parameterValues")
        ]
        body["params"] = {name: value for name, mark, value in (each.partition("=") for each in pairs) if mark}
    if "emailAttachments" in given:
        names = [each.get("binaryPropertyName") for each in _entries(given, "emailAttachments", "attachment")]
        body["attachment"] = [await _file(run, scope, one) for each in names for one in _split(each)]
    return [{"json": await run.request(scope, method="POST", path="/smtp/email", json=body)}]


async def _file(run: Run, scope: Scope, name: str) -> dict[str, Any]:
    content, ref = await encoded(run, scope.index, name)
    return {"content": content, "name": ref.get("fileName") or name}


def _entries(given: Mapping[str, Any], name: str, group: str) -> list[Any]:
    found = (given.get(name) or {}).get(group) or []
    return found if isinstance(found, list) else [found]


def _split(value: Any) -> list[str]:
    return [each.strip() for each in js_string(value or "").split(",") if each.strip()]


def _addresses(value: Any) -> list[dict[str, str]]:
    """Return the addresses of `a@b.example, Name <c@d.example>`; what is none is left out."""
    found = [match for each in _split(value) if (match := _ADDRESS.match(each))]
    return [
        {"email": each["email"]} | ({"name": name} if (name := (each["name"] or "").strip()) else {}) for each in found
    ]
