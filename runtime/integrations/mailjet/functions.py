"""Mailjet: the body of a mail."""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_OPTIONS: Final = {
    "priority": "Priority",
    "templateLanguage": "TemplateLanguage",
    "trackOpens": "TrackOpens",
    "trackClicks": "TrackClicks",
    "customCampaign": "CustomCampaign",
    "deduplicateCampaign": "DeduplicateCampaign",
}


def mail(scope: Scope) -> dict[str, Any]:
    """Return the body of one mail. Raise NodeError for variables that are not JSON."""
    parameters, credential = scope.parameters, scope.credential
    given = dict(parameters.get("additionalFields") or {})
    message: dict[str, Any] = {
        "From": {"Email": parameters.get("fromEmail")} | ({"Name": given["fromName"]} if given.get("fromName") else {}),
        "Subject": parameters.get("subject", given.get("subject", "")),
        "To": _addresses(parameters.get("toEmail")),
        "Cc": _addresses(given.get("ccAddresses") or given.get("ccEmail")),
        "Bcc": _addresses(given.get("bccEmail")),
        "Variables": _variables(scope),
    }
    if "templateId" in parameters:
        message["TemplateID"] = FILTERS["num"](parameters["templateId"])
    for name, wire in (("html", "HTMLPart"), ("text", "TextPart")):
        if parameters.get(name):
            message[wire] = parameters[name]
    message |= {wire: given[name] for name, wire in _OPTIONS.items() if given.get(name)}
    if given.get("replyTo"):
        message["ReplyTo"] = {"Email": given["replyTo"]}
    return {"Messages": [message], "SandboxMode": credential.get("sandboxMode") or False}


def _variables(scope: Scope) -> dict[str, Any]:
    parameters = scope.parameters
    if parameters.get("jsonParameters"):
        try:
            found: dict[str, Any] = FILTERS["json"](parameters.get("variablesJson") or "")
        except NodeError as error:
            raise NodeError("Parameter 'Variables (JSON)' has a invalid JSON", item=scope.index) from error
        return found
    pairs = (parameters.get("variablesUi") or {}).get("variablesValues") or []
    return {js_string(each.get("name", "")): each.get("value") for each in pairs}


def _addresses(value: Any) -> list[dict[str, str]]:
    return [
        {"Email": each} for each in js_string(value or "").split(",") if each
    ]  # as in n8n, with the blanks around them
