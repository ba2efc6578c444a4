"""Jira: fields of an issue, its simple form, pages, recipients of a notification, and attachments."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.answers import iterated, member_of_answer, unreadable
from runtime.integrations.filters import segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_SERVERS: Final = ("server", "serverPat")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_ADVICE: Final = "Use an API token (Jira version Cloud), or an HTTP Request node with this credential"


def base(scope: Scope) -> str:
    """Return the address of the REST API. Raise NodeError for credentials whose site only a request can tell."""
    if scope.parameters.get("jiraVersion") in ("cloudOAuth2", "cloudServiceAccount"):
        raise NodeError("Jira Cloud with OAuth2 or a service account is not supported", description=_ADVICE)
    return js_string(scope.credential.get("domain", "")).rstrip("/") + "/rest"


def _chosen(value: Any) -> Any:
    """Return the id in a resource locator; one without a value stays as it is, as in n8n."""
    return (value.get("value") or value) if isinstance(value, Mapping) else value


def _located(scope: Scope, name: str, value: Any) -> Any:
    """Return the id in the resource locator of a member. Raise NodeError for an ID that is none."""
    return scope.located(name, value) if isinstance(value, Mapping) and value.get("mode") == "id" else _chosen(value)


def checked(scope: Scope) -> bool:
    """Return true. Raise NodeError for an ID that is none: n8n reads them before the first request."""
    given = scope.parameters.get("additionalFields") or scope.parameters.get("updateFields") or {}
    for name in ("assignee", "reporter", "priority", "statusId"):
        if given.get(name):
            _located(scope, name, given[name])
    return True


def _person(scope: Scope, name: str, value: Any) -> dict[str, Any]:
    key = "name" if scope.parameters.get("jiraVersion") in _SERVERS else "id"
    return {key: _located(scope, name, value)}


def fields(scope: Scope) -> dict[str, Any]:
    """Return the fields of an issue to create or to change. Raise NodeError for a sub-task without a parent."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or parameters.get("updateFields") or {}
    made = _kind(scope, given)
    for name in ("summary", "description"):
        if truthy(given.get(name)):
            made[name] = given[name]
    if labels := given.get("labels") or given.get("serverLabels"):
        made["labels"] = labels
    if given.get("priority"):
        made["priority"] = {"id": _located(scope, "priority", given["priority"])}
    made |= {name: _person(scope, name, given[name]) for name in ("assignee", "reporter") if given.get(name)}
    if given.get("componentIds"):
        made["components"] = [{"id": each} for each in given["componentIds"]]
    for each in (given.get("customFieldsUi") or {}).get("customFieldsValues") or []:
        field = each.get("fieldId")
        made[js_string(field.get("value") or "" if isinstance(field, Mapping) else field)] = each.get("fieldValue")
    return made | _parent(scope, made, given.get("parentIssueKey"))


def _kind(scope: Scope, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a new issue must have; of an issue to change its type where it changes."""
    parameters = scope.parameters
    if parameters.get("operation") == "create":
        return {
            "summary": parameters.get("summary"),
            "project": {"id": _chosen(parameters.get("project"))},
            "issuetype": {"id": _chosen(parameters.get("issueType"))},
        }
    return {"issuetype": {"id": given["issueType"]}} if given.get("issueType") else {}


def _parent(scope: Scope, made: Mapping[str, Any], parent: Any) -> dict[str, Any]:
    subtasks = set()
    for each in iterated(scope.names.get("types", UNDEFINED), "issueTypes"):
        if each is None:
            raise unreadable(None, "subtask", scope.index)
        if isinstance(each, Mapping) and each.get("subtask"):
            subtasks.add(each.get("id"))
    is_subtask = (made.get("issuetype") or {}).get("id") in subtasks
    if is_subtask and not parent:
        raise NodeError("A sub-task needs the key of its parent issue", description="Set Parent Issue Key")
    return {"parent": {"key": js_string(parent).upper()}} if parent and is_subtask else {}


def names_too(scope: Scope) -> Any:
    """Return what to expand: the names of the fields too where the output is simple."""
    expand = scope.parameters.get("additionalFields", {}).get("expand") or ""
    if scope.parameters.get("simplifyOutput") and "names" not in expand.split(","):
        # n8n keeps what it asked for the item before, and a comma where nothing stands before it
        expand = f"{expand or scope.names['kept'].get('expand', '')},names"
    return expand or UNDEFINED


def issue(scope: Scope) -> Any:
    """Return an issue; the simple form has its fields under their names in camel case."""
    found = scope.names["response"]
    if not scope.parameters.get("simplifyOutput"):
        return found
    if found is None or found is UNDEFINED:
        raise unreadable(found, "id", scope.index)
    if not isinstance(found, Mapping) or found.get("names") is None:
        raise NodeError(
            "Cannot convert undefined or null to object", description="Jira named no fields.", item=scope.index
        )
    names, shown = found["names"], {**found.get("fields", {}), **(found.get("renderedFields") or {})}
    made = {each: found[each] for each in ("id", "key", "self") if each in found}
    for key in sorted(shown, key=lambda key: js_string(names.get(key, key)).lower()):
        made[_camel(js_string(names.get(key, key)))] = shown[key]
    return made


def _camel(name: str) -> str:
    words: list[str] = _WORD.findall(name)
    first, *rest = words or [name]
    return first[:1].lower() + first[1:] + "".join(each[:1].upper() + each[1:] for each in rest)


def next_start(scope: Scope) -> Any:
    """Return where the next page starts; UNDEFINED after the last."""
    body, collected = scope.names["response"], scope.names["collected"]
    if not isinstance(body, Mapping):  # of what is no object n8n reads no members
        return UNDEFINED
    more = not body.get("isLast") and scope.names["found"] and collected < (body.get("total") or 0)
    return collected if more else UNDEFINED


def recipients(scope: Scope) -> dict[str, Any]:
    """Return whom a notification goes to (`to`), and to whom it is restricted (`restrict`)."""
    parameters = scope.parameters
    if parameters.get("jsonParameters"):
        given = {
            "to": parameters.get("notificationRecipientsJson"),
            "restrict": parameters.get("notificationRecipientsRestrictionsJson"),
        }
        return {name: _json(each) for name, each in given.items()}
    to = (parameters.get("notificationRecipientsUi") or {}).get("notificationRecipientsValues") or {}
    only = (parameters.get("notificationRecipientsRestrictionsUi") or {}).get(
        "notificationRecipientsRestrictionsValues"
    ) or {}
    made = {name: to[name] for name in ("reporter", "assignee") if to.get(name)}
    if to.get("assignee"):
        made["watchers"] = to.get("watchers", False)
    if to.get("voters"):
        made["watchers"] = to["voters"]  # as n8n's node, which sends one for the other
    return {"to": made | _people(to), "restrict": _people(only)}


def _people(given: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if given.get("users"):
        made["users"] = [{"accountId": each} for each in given["users"]]
    if given.get("groups"):
        made["groups"] = [{"name": each} for each in given["groups"]]
    return made


def _json(value: Any) -> Any:
    """Return the value of a JSON text: UNDEFINED for what is none, an object of an expression included, as in n8n."""
    try:
        return (parse_json(value) or UNDEFINED) if isinstance(value, str) else UNDEFINED
    except NotJsonError:
        return UNDEFINED


def comment(scope: Scope) -> Any:
    """Return the text of a comment: a document of version 3 of the API, or text with wiki markup. Raise NodeError."""
    parameters = scope.parameters
    if parameters.get("jsonParameters"):
        given = parameters.get("commentJson")
        try:
            return parse_json(given if isinstance(given, str) else js_string(given))
        except NotJsonError as error:
            raise NodeError("Document Format must be a valid JSON", item=scope.index) from error
    text = parameters.get("comment")
    if scope.names["version"] == "2":
        return text
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def asked_fields(scope: Scope) -> Any:
    """Return the fields that a search asks for; spaces around their names stay, as in n8n."""
    given = (scope.parameters.get("options") or {}).get("fields")
    return js_string(given).split(",") if given else ["*navigable"]


async def attachment(run: Run) -> Items:
    """Read the attachments, then fetch their files where they are asked for."""

    async def described(scope: Scope) -> Items:
        path = f"/api/{scope.names['version']}/attachment/{segment(scope.parameters['attachmentId'])}"
        found = await run.request(scope, path=path)
        return [{"json": each} for each in (found if isinstance(found, list) else [found])]

    return await _with_files(run, await run.each(described), always=True)


async def attachments(run: Run) -> Items:
    """List the attachments of the issues, then fetch their files where they are asked for."""

    async def listed(scope: Scope) -> Items:
        found = await run.request(scope, path=f"/api/2/issue/{segment(scope.parameters['issueKey'])}")
        each = member_of_answer(member_of_answer(found, "fields"), "attachment") or []
        shown = each if scope.parameters.get("returnAll") else each[: int(scope.parameters.get("limit", 50))]
        return [{"json": one} for one in shown]

    return await _with_files(run, await run.each(listed))


async def _with_files(run: Run, out: Items, *, always: bool = False) -> Items:
    """Return attachments with their files where they are asked for; `always`: also those without an address, as n8n asks for one."""
    for item in out:
        if item["json"].keys() == {"error"}:  # in place of an item that failed
            continue
        paired = item["pairedItem"]
        scope = await run.scope(paired["item"] if isinstance(paired, dict) else 0)
        if scope.parameters.get("download") and (always or "content" in item["json"]):
            name, mime = (item["json"].get(each) for each in ("filename", "mimeType"))
            file = await run.request(scope, url=item["json"].get("content"), response="file", filename=name, mime=mime)
            item["binary"] = {js_string(scope.parameters["binaryProperty"]): file}
    return out
