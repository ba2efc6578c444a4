"""Airtop: sessions and windows, also those that a node opens for itself, and what is asked of them."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from runtime.contract import Item, NodeApiError, NodeError
from runtime.integrations.airtop.files import get_file, list_files, take_screenshot
from runtime.integrations.airtop.given import file_id, given, profile, url
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "create_session", "create_window", "extract", "file_id", "get_file", "interaction", "list_files", "profile", "scrolling",
    "session", "take_screenshot", "url", "window",
]  # fmt: skip

_LENGTH: Final = re.compile(r"[+-]?\d+(\.\d+)?(px|%)")
_SIZE: Final = re.compile(r"\d{3,4}x\d{3,4}")
_ASKS: Final = {"query": "page-query", "getPaginated": "paginated-extraction", "scrape": "scrape-content"}


def session(scope: Scope) -> Any:
    """Return the session's id; UNDEFINED where the operation has none. Raise NodeError for an empty one."""
    parameters = scope.parameters
    resource, operation = parameters.get("resource"), parameters.get("operation")
    has = resource in ("window", "interaction") or (resource == "session" and operation in ("save", "terminate"))
    has = has or (resource == "extraction" and parameters.get("sessionMode") != "new")
    return given(scope, "sessionId", "Session ID") if has else UNDEFINED


def window(scope: Scope) -> Any:
    """Return the window's id; UNDEFINED where the operation has none. Raise NodeError for an empty one."""
    parameters = scope.parameters
    resource, operation = parameters.get("resource"), parameters.get("operation")
    has = resource == "interaction" or (resource == "window" and operation not in ("create", "list"))
    has = has or (resource == "extraction" and parameters.get("sessionMode") != "new")
    return given(scope, "windowId", "Window ID") if has else UNDEFINED


async def create_session(run: Run, scope: Scope) -> list[Item]:
    """Start a session. Raise NodeError."""
    parameters = scope.parameters
    fields = parameters.get("additionalFields") or {}
    if parameters.get("saveProfileOnTermination") and not profile(scope):
        raise NodeError("'Browser Profile ID' is required when 'Save Profile' is enabled", item=scope.index)
    configuration: dict[str, Any] = {
        "profileName": profile(scope),
        "timeoutMinutes": parameters.get("timeoutMinutes"),
        "proxy": _proxy(scope),
        "solveCaptcha": bool(fields.get("solveCaptcha")),
        "record": parameters.get("record"),
    }
    if fields.get("extensionIds"):
        configuration["extensionIds"] = FILTERS["split"](fields["extensionIds"])
    answer = await run.request(scope, method="POST", path="/sessions", json={"configuration": configuration})
    id_ = _id(answer, "id", scope)
    if parameters.get("saveProfileOnTermination") and configuration["profileName"]:
        name = segment(configuration["profileName"])
        await run.request(scope, method="PUT", path=f"/sessions/{segment(id_)}/save-profile-on-termination/{name}")
    return [{"json": {"sessionId": id_, **answer}}]


def _proxy(scope: Scope) -> Any:
    parameters = scope.parameters
    kind = parameters.get("proxy")
    if kind == "integrated":
        return {"country": "US", "sticky": True} | (parameters.get("proxyConfig") or {})
    if kind != "proxyUrl":
        return False
    if not parameters.get("proxyUrl"):
        raise NodeError("Please fill the 'Proxy URL' parameter", item=scope.index)
    return parameters.get("proxyUrl")


async def create_window(run: Run, scope: Scope) -> list[Item]:
    """Open a window, and look where it can be watched. Raise NodeError."""
    parameters = scope.parameters
    size = parameters.get("screenResolution")
    if size and not _SIZE.fullmatch(js_string(size)):
        raise NodeError(
            "'Screen Resolution' must be in the format 'width x height' (e.g. '1280x720')", item=scope.index
        )
    id_ = js_string(session(scope))
    body = {"url": url(scope)}
    if wait := (parameters.get("additionalFields") or {}).get("waitUntil"):
        body["waitUntil"] = wait
    path = f"/sessions/{segment(id_)}/windows"
    answer = await run.request(scope, method="POST", path=path, json=body)
    opened = _id(answer, "windowId", scope)
    if parameters.get("getLiveView"):
        names = ("includeNavigationBar", "screenResolution", "disableResize")
        query = {name: parameters[name] for name in names if parameters.get(name)}
        answer = await run.request(scope, path=f"{path}/{segment(opened)}", query=query)
    return [{"json": {"sessionId": id_, "windowId": opened, **(answer if isinstance(answer, Mapping) else {})}}]


async def extract(run: Run, scope: Scope) -> list[Item]:
    """Ask something of a page, in a window that is there or in one of its own. Raise NodeError."""
    parameters = scope.parameters
    if parameters.get("sessionMode") != "new":
        id_ = js_string(session(scope))
        try:
            return [{"json": await _ask(run, scope, id_, js_string(window(scope)))}]
        except NodeApiError:  # n8n ends a session in which it could not ask, also one that it did not open
            await run.request(scope, method="DELETE", path=f"/sessions/{segment(id_)}")
            raise
    body = {"configuration": {"profileName": profile(scope)}}
    address = url(scope)
    started = await run.request(scope, method="POST", path="/sessions", json=body)
    id_ = _id(started, "id", scope)
    ends = parameters.get("autoTerminateSession", True)
    try:
        path = f"/sessions/{segment(id_)}/windows"
        opened = await run.request(scope, method="POST", path=path, json={"url": address})
        found = await _ask(run, scope, id_, _id(opened, "windowId", scope))
    finally:
        if ends:
            await run.request(scope, method="DELETE", path=f"/sessions/{segment(id_)}")
    gone = ("sessionId", "windowId") if ends else ()
    return [{"json": {name: each for name, each in found.items() if name not in gone}}]


async def _ask(run: Run, scope: Scope, id_: str, opened: str) -> dict[str, Any]:
    operation = js_string(scope.parameters.get("operation", UNDEFINED))
    path = f"/sessions/{segment(id_)}/windows/{segment(opened)}/{_ASKS[operation]}"
    spec = {} if operation == "scrape" else {"json": _question(scope, operation)}
    answer = await run.request(scope, method="POST", path=path, **spec)
    place = {"sessionId": id_, "windowId": opened}
    if (scope.parameters.get("additionalFields") or {}).get("parseJsonOutput"):
        with suppress(NodeError):  # what is no JSON stays as it is
            return {**place, "output": FILTERS["json"]((answer.get("data") or {}).get("modelResponse"))}
    return {**place, **answer}


def _question(scope: Scope, operation: str) -> dict[str, Any]:
    fields = scope.parameters.get("additionalFields") or {}
    configuration: dict[str, Any] = {}
    if operation == "query":
        analysis = "enabled" if fields.get("includeVisualAnalysis") else "disabled"
        configuration["experimental"] = {"includeVisualAnalysis": analysis}
    names = ("outputSchema", "paginationMode", "interactionMode")
    configuration |= {name: fields[name] for name in names if fields.get(name)}
    return {"prompt": scope.parameters.get("prompt"), "configuration": configuration}


def interaction(scope: Scope) -> dict[str, Any]:
    """Return what to do in a window."""
    parameters = scope.parameters
    names = ("text", "pressEnterKey", "elementDescription")
    body: dict[str, Any] = {name: parameters[name] for name in names if name in parameters}
    configuration: dict[str, Any] = {}
    if "clickType" in parameters:
        configuration["clickType"] = parameters["clickType"]
    return body | _with_fields(scope, configuration)


def scrolling(scope: Scope) -> dict[str, Any]:
    """Return how to scroll. Raise NodeError where nothing says it, or a length is none."""
    parameters = scope.parameters
    if parameters.get("scrollingMode") == "automatic":
        body: dict[str, Any] = {"scrollToElement": given(scope, "scrollToElement", "Element Description")}
    else:
        edge = (parameters.get("scrollToEdge") or {}).get("edgeValues") or {}
        by = (parameters.get("scrollBy") or {}).get("scrollValues") or {}
        if parameters.get("scrollingMode") == "manual" and not edge and not by:
            raise NodeError("Please fill any of the 'Scroll To Edge' or 'Scroll By' parameters", item=scope.index)
        if any(each and not _LENGTH.fullmatch(js_string(each)) for each in by.values()):
            raise NodeError(
                "'Scroll By' amount must be a number and either a percentage or pixels (e.g. '100px' or '100%')",
                item=scope.index,
            )
        body = {"scrollToEdge": edge, "scrollBy": by}
    if parameters.get("scrollWithin"):
        body["scrollWithin"] = parameters["scrollWithin"]
    return body | _with_fields(scope, {})


def _with_fields(scope: Scope, configuration: dict[str, Any]) -> dict[str, Any]:
    fields = scope.parameters.get("additionalFields") or {}
    body: dict[str, Any] = {}
    if fields.get("visualScope"):
        configuration["visualAnalysis"] = {"scope": fields["visualScope"]}
    if fields.get("waitForNavigation"):
        configuration["waitForNavigationConfig"] = {"waitUntil": fields["waitForNavigation"]}
        body["waitForNavigation"] = True
    return body | {"configuration": configuration}


def _id(answer: Any, name: str, scope: Scope) -> str:
    """Return an id that an answer tells. Raise NodeApiError."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, Mapping) or not data.get(name):
        raise NodeApiError(f"The answer of Airtop has no {name}", item=scope.index)
    return js_string(data[name])
