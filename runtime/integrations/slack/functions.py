"""Slack 2: messages, searches and profiles, whose members depend on more than one parameter."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import iterated, member_of_answer, sliced
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.slack.blocks import attachment, block
from runtime.values.javascript import js_number, js_string, truthy
from schemas.item import UNDEFINED

_THREADED: Final = frozenset({"thread_ts", "ephemeral", "attachments"})


def recipient(scope: Scope) -> Any:
    """Return the channel or the user of a message: its id, or a user's name behind `@`."""
    parameters = scope.parameters
    if parameters.get("select", "") in ("channel", ""):
        return scope.located("channelId", parameters.get("channelId", UNDEFINED))
    locator = parameters.get("user", UNDEFINED)
    if locator is UNDEFINED:
        raise NodeError('Could not get parameter "user"', item=scope.index)
    return _user(locator, scope.located("user", locator))


def _user(locator: Any, value: Any) -> Any:
    """Return the id of a user, or a name behind `@`."""
    named = isinstance(locator, Mapping) and locator.get("mode") == "username"
    return f"@{value}" if named and not js_string(value).startswith("@") else value


def content(scope: Scope) -> dict[str, Any]:
    """Return text, blocks or attachments of a message. Raise NodeError for a type that is none, and for attachments that are not there."""
    parameters, type_ = scope.parameters, scope.parameters.get("messageType")
    if type_ == "block":
        blocks = _blocks(parameters.get("blocksUi", {}))
        made = dict(blocks) if isinstance(blocks, Mapping) else {"blocks": blocks}
        return made | ({"text": parameters["text"]} if parameters.get("text") else {})
    if type_ == "attachment":
        if "attachments" not in parameters:
            raise NodeError('Could not get parameter "attachments"', item=scope.index)
        return {"attachments": [attachment(each) for each in parameters["attachments"]]}
    if type_ != "text" and parameters.fact("messageType") is not None:
        name = js_string(parameters.get("messageType", UNDEFINED))
        raise NodeError(f'The message type "{name}" is not known!', item=scope.index)
    return {"text": parameters["text"]} if "text" in parameters else {}


def _blocks(given: Any) -> Any:
    """Return blocks from their JSON. Raise NodeError where it is none."""
    try:
        return FILTERS["json"](given)
    except NodeError as error:
        raise NodeError("Parameter 'blocksUi' could not be parsed", description=error.message) from error


def message(scope: Scope) -> dict[str, Any]:
    """Return the body of `chat.postMessage`. Raise NodeError."""
    return _message(scope, (scope.parameters.get("otherOptions") or {}).get("ephemeral"))


def _message(scope: Scope, ephemeral: Any) -> dict[str, Any]:
    options = scope.parameters.get("otherOptions", {})
    body = {"channel": recipient(scope)} | content(scope) | _thread(options)
    if user := _ephemeral(options).get("user"):
        body["user"] = _user(user, FILTERS["locator"](user))
    elif ephemeral and scope.parameters.get("select") == "user":
        locator = scope.parameters.get("user")
        if isinstance(locator, Mapping) and locator.get("mode") == "username":
            raise NodeError(
                'You cannot send ephemeral messages using User type "By username". Please use "From List" or "By ID".',
                item=scope.index,
            )
        body["user"] = body["channel"]
    if "sendAsUser" in options and options["sendAsUser"] != "":
        body["username"] = options["sendAsUser"]
    for name, each in options.items():
        if name not in _THREADED:
            body[name] = _profile_photo(each) if name == "botProfile" else each
    return _flat(body)


def scheduled(scope: Scope) -> dict[str, Any]:
    """Return the body of `chat.scheduleMessage`, which has no ephemeral messages."""
    return {name: each for name, each in _message(scope, ephemeral=False).items() if name != "user"}


def search_limit(scope: Scope) -> int:
    """Return how many results a page of a search has: 20 are the most."""
    limit = js_number(scope.parameters.get("limit", 25))
    return int(min(limit, _SEARCH_PAGE)) if limit > 0 else _SEARCH_PAGE


def _thread(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a message an answer in a thread."""
    reply = (options.get("thread_ts") or {}).get("replyValues") or {}
    made = {"thread_ts": js_string(reply["thread_ts"])} if reply.get("thread_ts") else {}
    broadcast = reply.get("reply_broadcast", False if reply else UNDEFINED)
    return made if broadcast is UNDEFINED else made | {"reply_broadcast": broadcast}


def _ephemeral(options: Mapping[str, Any]) -> Mapping[str, Any]:
    given = options.get("ephemeral")
    values = given.get("ephemeralValues") if isinstance(given, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def endpoint(scope: Scope) -> str:
    """Return the method that posts: an ephemeral message has one of its own."""
    return "chat.postEphemeral" if scope.parameters.get("otherOptions", {}).get("ephemeral") else "chat.postMessage"


def _profile_photo(profile: Any) -> Mapping[str, Any]:
    values = (profile or {}).get("imageValues") or {}
    kind = {"image": "icon_url", "emoji": "icon_emoji"}.get(values.get("profilePhotoType", ""), "")
    return {kind: values.get(kind, "")} if kind else {}


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with the bot's profile as members of its own."""
    profile = body.pop("botProfile", {})
    return body | dict(profile)


def question(scope: Scope) -> dict[str, Any]:
    """Return the message of a question, with its buttons as links."""
    parameters = scope.parameters
    values = (parameters.get("approvalOptions") or {}).get("values") or {}
    elements = []
    for i, each in enumerate(scope.names["buttons"]):
        last = i == len(scope.names["buttons"]) - 1
        style = (
            values.get("buttonApprovalStyle", "primary") if last else values.get("buttonDisapprovalStyle", "secondary")
        )
        shown = {"style": "primary"} if style == "primary" else {}
        label = {"type": "plain_text", "text": each["label"], "emoji": True}
        elements.append({"type": "button", **shown, "text": label, "url": each["url"]})
    text = {"type": "mrkdwn", "text": scope.names["message"]}
    if scope.version < _MARKDOWN_SINCE:
        text = {"type": "plain_text", "text": scope.names["message"], "emoji": True}
    blocks = [
        {"type": "divider"},
        {"type": "section", "text": text},
        {"type": "section", "text": {"type": "plain_text", "text": " "}},
        {"type": "divider"},
        {"type": "actions", "elements": elements},
    ]
    return {"channel": recipient(scope), "blocks": blocks} | _thread(parameters.get("options") or {})


_MARKDOWN_SINCE: Final = 2.3
_SEARCH_PAGE: Final = 20


def sent(scope: Scope) -> Any:
    """Return a response with the time stamp under n8n's name."""
    body = scope.names["response"]
    if not isinstance(body, Mapping) or "ts" not in body:
        return body
    return {name: each for name, each in body.items() if name != "ts"} | {"message_timestamp": body["ts"]}


def search_query(scope: Scope) -> str:
    """Return the query with the channels to search in."""
    channels = scope.parameters.get("options", {}).get("searchChannel") or []
    return " ".join([js_string(scope.parameters["query"]), *(f"in:{each}" for each in channels)])


def next_page(scope: Scope) -> Any:
    """Return the number of the next page of a search, and its cursor where the answer has one; UNDEFINED after the last."""
    answer = scope.names["response"] or {}
    messages = answer.get("messages")
    paging = (messages.get("paging") if isinstance(messages, Mapping) else None) or {}
    cursor = (answer.get("response_metadata") or {}).get("next_cursor")
    page = paging.get("page", 1)
    if page >= paging.get("pages", 1) and not cursor:
        return UNDEFINED
    return {"page": scope.names["pageNumber"] + 1} | ({"cursor": cursor} if cursor else {})


def parts(scope: Scope) -> dict[str, Any]:
    """Return attachments and blocks of a message of version 1, from JSON or from the form."""
    parameters = scope.parameters
    if parameters.get("jsonParameters"):
        texts = {"attachments": parameters.get("attachmentsJson"), "blocks": parameters.get("blocksJson")}
        return {name: _json_text(name, each) for name, each in texts.items() if each}
    given = parameters.get("attachments")
    elements = [] if given == {} else iterated(given, "attachments")
    made: dict[str, Any] = {"attachments": given if isinstance(given, str) else [attachment(each) for each in elements]}
    form = parameters.get("blocksUi") or {}
    if isinstance(form.get("blocksValues"), list):
        made["blocks"] = [block(each) for each in form["blocksValues"]]
    return made


def _json_text(name: str, given: Any) -> Any:
    """Return a JSON text as it is. Raise NodeError where it is none."""
    try:
        FILTERS["json"](js_string(given))
    except NodeError as error:
        raise NodeError(f"{name.capitalize()} it is not a valid json", description=error.message) from error
    return given


def old_profile(scope: Scope) -> dict[str, Any]:
    """Return the members of a profile in version 1, where a status without an end has the end 0 and the user is one of them."""
    return {"status_expiration": 0} | _profile(dict(scope.parameters.get("additionalFields", {})))


def profile(scope: Scope) -> dict[str, Any]:
    """Return the members of a profile."""
    options = dict(scope.parameters.get("options", {}))
    options.pop("user", None)
    return _profile(options)


def _profile(options: dict[str, Any]) -> dict[str, Any]:
    custom = (options.get("customFieldUi") or {}).get("customFieldValues") or []
    for each in ((options.pop("status", None) or {}).get("set_status") or [])[:1]:
        options |= {"status_expiration": None} | each
    if custom:
        options["fields"] = {
            js_string(each.get("id", UNDEFINED)): {"value": each.get("value"), "alt": each.get("alt")}
            for each in custom
        }
    if options.get("status_expiration") == "":
        options["status_expiration"] = None
    if not is_empty(options.get("status_expiration")):
        options["status_expiration"] = FILTERS["epoch_s"](options["status_expiration"])
    return options


def groups(scope: Scope) -> Any:
    """Return the user groups, cut at the limit."""
    found = member_of_answer(scope.names["response"], "usergroups")
    return found if scope.parameters.get("returnAll") else sliced(found, scope.parameters.get("limit", 50))


async def group_users(run: Run, scope: Scope) -> list[Item]:
    """Look up the members of a user group one by one."""
    group = scope.parameters.get("userGroupId")
    query = {"include_users": True, "usergroup": "" if group is None else js_string(group)}
    found = (await run.request(scope, path="/usergroups.list", query=query)).get("usergroups") or []
    chosen = next((each for each in found if each.get("id") == group), None)
    if chosen is None:
        raise NodeError(f'User group with ID "{js_string(group)}" not found')
    users = [await run.request(scope, path="/users.info", query={"user": user}) for user in chosen.get("users") or []]
    return [{"json": each["user"]} for each in users]


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Upload a file: ask for an address, send the bytes there, and complete the upload."""
    options, name = scope.parameters.get("options", {}), scope.parameters.get("binaryPropertyName", "data")
    ref = run.file(scope.index, js_string(name))
    title = options.get("fileName") or ref.get("fileName")
    size = len(await run.context.blobs.open(ref))
    upload = await run.request(
        scope, path="/files.getUploadURLExternal", query={"filename": title, "length": str(size)}
    )
    part = {"name": "file", "file": js_string(name)}
    await run.request(scope, method="POST", url=upload["upload_url"], multipart=[part], response="text")
    body = {
        "channel_id": options.get("channelId"),
        "initial_comment": options.get("initialComment"),
        "thread_ts": options.get("threadTs"),
        "files": [{"id": upload["file_id"], "title": options.get("title") or title}],
    }
    body = {key: each for key, each in body.items() if truthy(each)}
    done = await run.request(scope, method="POST", path="/files.completeUploadExternal", json=body)
    return [{"json": each} for each in done.get("files", [])]
