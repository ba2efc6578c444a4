"""SendGrid: contacts in one request for all items, and mails with files."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.files import encoded
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED, NoJson

_NAMES = {
    "city": "city",
    "country": "country",
    "firstName": "first_name",
    "lastName": "last_name",
    "postalCode": "postal_code",
    "stateProvinceRegion": "state_province_region",
}


def _split(value: Any) -> list[str]:
    return [each.strip() for each in js_string(value).split(",") if each.strip()]


def _trimmed(value: Any) -> str:
    """Return an address without spaces around it. Raise NodeError for what is no text, as JavaScript does."""
    if value is None or value is UNDEFINED:
        raise unreadable(value, "trim")
    if not isinstance(value, str):
        raise ThrownError("this.getNodeParameter(...).trim is not a function")
    return value.strip()


def _addresses(value: Any, name: str) -> list[dict[str, str]]:
    """Return receivers; of an empty text one without address, as n8n's node does. Raise NodeError for what is no text."""
    if not isinstance(value, str):
        raise NodeError(f"{name}.split is not a function", description="Separate several addresses with commas.")
    return [{"email": each.strip()} for each in value.split(",")]


def _contact(scope: Scope) -> dict[str, Any]:
    given = scope.parameters.get("additionalFields", {})
    made: dict[str, Any] = {"email": scope.parameters.get("email")}
    address = (given.get("addressUi") or {}).get("addressValues") or {}
    made |= {"address_line_1": address["address1"]} if "address1" in address else {}
    made |= {"address_line_2": address["address2"]} if address.get("address2") else {}
    made |= {wire: given[name] for name, wire in _NAMES.items() if truthy(given.get(name))}
    if given.get("alternateEmails"):
        made["alternate_emails"] = js_string(given["alternateEmails"]).split(",")
    custom = (given.get("customFieldsUi") or {}).get("customFieldValues") or []
    if custom:
        made["custom_fields"] = {js_string(each.get("fieldId", UNDEFINED)): each.get("fieldValue") for each in custom}
    return made


def has_ids_as_text(scope: Scope) -> bool:
    """Return whether the ids of contacts to delete are a text."""
    return isinstance(scope.parameters.get("ids"), str)


def by_email(scope: Scope) -> str:
    """Return the query of a contact by its address: a quote in it must not end it."""
    address = js_string(scope.parameters.get("email", "")).replace("\\", "\\\\").replace("'", "\\'")
    return f"email LIKE '{address}' "


def results(scope: Scope) -> Any:
    """Return what is on a page. Raise NodeError for an answer that does not say whether there is another one."""
    answer = scope.names["response"]
    member_of_answer(member_of_answer(answer, "_metadata"), "next")
    return member_of_answer(answer, "result")


async def upsert(run: Run) -> Items:
    """Create or update the contacts of all items in one request; the lists are those of the last item that has some."""
    contacts, body = [], dict[str, Any]()
    scope = await run.scope(0)
    for i in range(len(run.items)):
        scope = await run.scope(i)
        contacts.append(_contact(scope))
        lists = (scope.parameters.get("additionalFields", {}).get("listIdsUi") or {}).get("listIdValues") or {}
        if lists.get("listIds"):
            body["list_ids"] = lists["listIds"]
    await run.request(scope, method="PUT", path="/marketing/contacts", json=body | {"contacts": contacts})
    return [{"json": NoJson(), "pairedItem": {"item": 0}}]  # n8n's node drops the answer


def mail(scope: Scope) -> dict[str, Any]:
    """Return a mail without its files. Raise NodeError."""
    parameters = scope.parameters
    given = parameters.get("additionalFields", {})
    body: dict[str, Any] = {
        "personalizations": [_personalization(scope, given)],
        "from": {
            "email": _trimmed(parameters.get("fromEmail", UNDEFINED)),
            "name": parameters.get("fromName", UNDEFINED),
        },
        "mail_settings": {"sandbox_mode": {"enable": bool(given.get("enableSandbox"))}},
    }
    if parameters.get("dynamicTemplate"):
        body["template_id"] = parameters.get("templateId", UNDEFINED)
    else:
        body["content"] = [
            {"type": parameters.get("contentType", UNDEFINED), "value": parameters.get("contentValue", UNDEFINED)}
        ]
    if given.get("categories"):
        body["categories"] = js_string(given["categories"]).split(",")
    if given.get("ipPoolName"):
        body["ip_pool_name"] = given["ipPoolName"]
    if given.get("replyToEmail"):
        body["reply_to_list"] = _addresses(given["replyToEmail"], "replyToEmail")
    headers = (given.get("headers") or {}).get("details") or []
    if headers:
        body["headers"] = {js_string(each.get("key", UNDEFINED)): each.get("value") for each in headers}
    if given.get("sendAt"):
        body["personalizations"][0]["send_at"] = FILTERS["epoch_s"](given["sendAt"])
    return body


def _personalization(scope: Scope, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = scope.parameters
    made: dict[str, Any] = {"to": _addresses(parameters.get("toEmail", ""), "toEmail")}
    if not parameters.get("dynamicTemplate"):
        made["subject"] = parameters.get("subject", UNDEFINED)
    elif fields := (parameters.get("dynamicTemplateFields") or {}).get("fields"):
        made["dynamic_template_data"] = {js_string(each.get("key", UNDEFINED)): each.get("value") for each in fields}
    for name, wire in (("ccEmail", "cc"), ("bccEmail", "bcc")):
        if given.get(name):
            made[wire] = _addresses(given[name], name)
    return made


async def send_files(run: Run, scope: Scope) -> list[Item]:
    """Send a mail with files of its item."""
    files = []
    for name in _split(scope.parameters["additionalFields"]["attachments"]):
        content, ref = await encoded(run, scope.index, name)
        files.append({"content": content, "filename": ref.get("fileName") or "unknown", "type": ref.get("mimeType")})
    body = mail(scope) | {"attachments": files}
    response = await run.response(scope, method="POST", path="/mail/send", json=body)
    message = response.headers.get("x-message-id")
    return [{"json": {} if message is None else {"messageId": message}}]
