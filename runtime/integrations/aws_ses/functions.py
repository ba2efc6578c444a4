"""AWS SES: the server of a region, the query that is a mail, and its answer, which is XML."""

from typing import Any, Final

from runtime.contract import NodeApiError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml

_PLAIN: Final = {
    "configurationSetName": "ConfigurationSetName",
    "returnPath": "ReturnPath",
    "returnPathArn": "ReturnPathArn",
    "sourceArn": "SourceArn",
}
_LISTS: Final = {
    "bccAddresses": "Destination.BccAddresses",
    "ccAddresses": "Destination.CcAddresses",
    "replyToAddresses": "ReplyToAddresses",
}


def base(scope: Scope) -> str:
    """Return the address of the credential's region."""
    return f"https://email.{segment(scope.credential.get('region') or 'us-east-1')}.amazonaws.com"


def mail(scope: Scope) -> dict[str, Any]:
    """Return the query that sends a mail of its own text, or of a template."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or {}
    query: dict[str, Any] = {}
    if parameters.get("operation") == "sendTemplate":
        pairs = (parameters.get("templateDataUi") or {}).get("templateDataValues") or []
        data = {js_string(each.get("key")): each.get("value") for each in pairs}
        query = {"Action": "SendTemplatedEmail", "Template": parameters.get("templateName")}
        query |= {"Source": parameters.get("fromEmail"), "TemplateData": json_stringify(data)}
    else:
        query = {"Action": "SendEmail", "Message.Subject.Data": parameters.get("subject")}
        query["Source"] = parameters.get("fromEmail")
        if parameters.get("isBodyHtml"):
            query |= {"Message.Body.Html.Data": parameters.get("body"), "Message.Body.Html.Charset": "UTF-8"}
        else:
            query["Message.Body.Text.Data"] = parameters.get("body")
    query |= _numbered("Destination.ToAddresses", parameters.get("toAddresses"))
    query |= {wire: given[name] for name, wire in _PLAIN.items() if given.get(name)}
    for name, wire in _LISTS.items():
        query |= _numbered(wire, given.get(name))
    return query


def _numbered(name: str, values: Any) -> dict[str, Any]:
    return {f"{name}.member.{i}": each for i, each in enumerate(FILTERS["list"](values), 1)}


def answer(scope: Scope) -> Any:
    """Return the answer as an object. Raise NodeApiError."""
    try:
        return read_xml(js_string(scope.names["response"]), XmlOptions())
    except XmlError as error:
        raise NodeApiError(f"The answer of AWS SES is not XML: {error}", item=scope.index) from error
