"""AWS SES: the server of a region, the query that is a mail, and its answer, which is XML."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify, truthy
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml
from schemas.item import UNDEFINED

_PLAIN: Final = {
    "configurationSetName": "ConfigurationSetName",
    "returnPath": "ReturnPath",
    "returnPathArn": "ReturnPathArn",
    "sourceArn": "SourceArn",
}
_LISTS_OF: Final = {
    "customVerificationEmail": ("ListCustomVerificationEmailTemplates", "CustomVerificationEmailTemplates"),
    "template": ("ListTemplates", "TemplatesMetadata"),
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
    """Return the query that sends a mail of its own text, or of a template. Raise NodeError without one to send it to."""
    parameters = scope.parameters
    addresses = parameters.get("toAddresses")
    if not addresses or not isinstance(addresses, list | str):
        raise NodeError('At least one "To Address" has to be added!', item=scope.index)
    given = parameters.get("additionalFields") or {}
    query: dict[str, Any] = {}
    if parameters.get("operation") == "sendTemplate":
        query = {"Action": "SendTemplatedEmail", "Template": parameters.get("templateName")}
        query["Source"] = parameters.get("fromEmail")
        pairs = (parameters.get("templateDataUi") or {}).get("templateDataValues")
        if pairs is not None:
            data = {js_string(each.get("key", "")): each.get("value", "") for each in pairs}
            query["TemplateData"] = json_stringify(data)
    else:
        query = {"Action": "SendEmail", "Message.Subject.Data": parameters.get("subject")}
        query["Source"] = parameters.get("fromEmail")
        if parameters.get("isBodyHtml"):
            query |= {"Message.Body.Html.Data": parameters.get("body"), "Message.Body.Html.Charset": "UTF-8"}
        else:
            query["Message.Body.Text.Data"] = parameters.get("body")
    query |= _numbered("Destination.ToAddresses", addresses)
    query |= {wire: given[name] for name, wire in _PLAIN.items() if given.get(name)}
    for name, wire in _LISTS.items():
        query |= _numbered(wire, given.get(name))
    return query


def _numbered(name: str, values: Any) -> dict[str, Any]:
    """Return addresses as members; of a text each character is one, as in n8n."""
    each_of = list(values) if isinstance(values, str) else FILTERS["list"](values)
    return {f"{name}.member.{i}": each for i, each in enumerate(each_of, 1)}


def answer(scope: Scope) -> Any:
    """Return an answer as an object; UNDEFINED where it is no XML, as n8n does."""
    try:
        return read_xml(js_string(scope.names["response"]), XmlOptions())
    except XmlError:
        return UNDEFINED


def result(scope: Scope) -> Any:
    """Return what an answer holds below its root; UNDEFINED where it is another one, or no XML, as n8n does."""
    found = answer(scope)
    names = [name for name in found if name.endswith("Response")] if isinstance(found, Mapping) else []
    return found[names[0]] if names else UNDEFINED


async def list_templates(run: Run, scope: Scope) -> list[Item]:
    """Return templates, all or those of one page. Raise NodeError."""
    action, inner = _LISTS_OF[js_string(scope.parameters.get("resource", UNDEFINED))]
    everything = truthy(scope.parameters.get("returnAll"))
    limits = {"ListTemplates": "MaxItems"}
    query: dict[str, Any] = {"Action": action}
    if not everything:
        query[limits.get(action, "MaxResults")] = scope.parameters.get("limit")
    found: list[Any] = []
    headers: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        method = "POST" if everything else "GET"
        text = await run.request(scope, method=method, path="/", query=query, headers=headers, response="text")
        listing = result(scope.having(response=text))
        if not everything and listing is UNDEFINED:
            raise unreadable(listing, f"{action}Result", scope.index)
        page = FILTERS["get"](listing, f"{action}Result")
        found += FILTERS["list"](FILTERS["get"](FILTERS["get"](page, inner), "member"))
        token = FILTERS["get"](page, "NextToken")
        if not everything or not token or token is UNDEFINED:
            return [{"json": each} for each in found]
        headers = {"NextToken": token}
    raise NodeError(f"AWS SES gave more than {MAX_PAGES} pages", item=scope.index)
