"""Airtop: sessions and windows, also those that a node opens for itself, and what is asked of them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeApiError, NodeError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_SIZE: Final = re.compile(r"\d{3,4}x\d{3,4}")
_ASKS: Final = {"query": "page-query", "getPaginated": "paginated-extraction", "scrape": "scrape-content"}


def session(scope: Scope) -> Any:
    """Return the session's id; UNDEFINED where the operation has none."""
    return _of_item(scope, "sessionId", scope.parameters.get("sessionId"))


def window(scope: Scope) -> Any:
    """Return the window's id; UNDEFINED where the operation has none."""
    return _of_item(scope, "windowId", scope.parameters.get("windowId"))


def _of_item(scope: Scope, name: str, given: Any) -> Any:
    """Return the parameter; n8n's default for it is an expression that reads the item."""
    if isinstance(given, str) and given.startswith("={{"):
        return scope.item.get("json", {}).get(name, UNDEFINED)
    return UNDEFINED if given is None else given


async def create_session(run: Run, scope: Scope) -> list[Item]:
    """Start a session. Raise NodeError."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or {}
    configuration: dict[str, Any] = {
        "profileName": parameters.get("profileName"),
        "timeoutMinutes": parameters.get("timeoutMinutes"),
        "proxy": _proxy(scope),
        "solveCaptcha": bool(given.get("solveCaptcha")),
        "record": parameters.get("record"),
    }
    if given.get("extensionIds"):
        configuration["extensionIds"] = FILTERS["split"](given["extensionIds"])
    answer = await run.request(scope, method="POST", path="/sessions", json={"configuration": configuration})
    id_ = _id(answer, "id", scope)
    if parameters.get("saveProfileOnTermination") and parameters.get("profileName"):
        name = segment(parameters["profileName"])
        await run.request(scope, method="PUT", path=f"/sessions/{segment(id_)}/save-profile-on-termination/{name}")
    return [{"json": {"sessionId": id_, **answer}}]


def _proxy(scope: Scope) -> Any:
    parameters = scope.parameters
    kind = parameters.get("proxy")
    if kind == "integrated":
        return {"country": "US", "sticky": True} | (parameters.get("proxyConfig") or {})
    return parameters.get("proxyUrl") if kind == "proxyUrl" else False


async def create_window(run: Run, scope: Scope) -> list[Item]:
    """Open a window, and look where it can be watched. Raise NodeError."""
    parameters = scope.parameters
    size = parameters.get("screenResolution")
    if size and not _SIZE.fullmatch(js_string(size)):
        raise NodeError(
            "'Screen Resolution' must be in the format 'width x height' (e.g. '1280x720')", item=scope.index
        )
    id_ = js_string(session(scope))
    body = {"url": parameters.get("url")}
    if wait := (parameters.get("additionalFields") or {}).get("waitUntil"):
        body["waitUntil"] = wait
    path = f"/sessions/{segment(id_)}/windows"
    answer = await run.request(scope, method="POST", path=path, json=body)
    opened = _id(answer, "windowId", scope)
    if parameters.get("getLiveView"):
        names = ("includeNavigationBar", "screenResolution", "disableResize")
        query = {name: parameters[name] for name in names if parameters.get(name)}
        answer = await run.request(scope, path=f"{path}/{segment(opened)}", query=query)
    return [{"json": {"sessionId": id_, "windowId": opened, **answer}}]


async def extract(run: Run, scope: Scope) -> list[Item]:
    """Ask something of a page, in a window that is there or in one of its own. Raise NodeError."""
    parameters = scope.parameters
    if parameters.get("sessionMode") != "new":
        found = await _ask(run, scope, js_string(session(scope)), js_string(window(scope)))
        return [{"json": found}]
    body = {"configuration": {"profileName": parameters.get("profileName")}}
    started = await run.request(scope, method="POST", path="/sessions", json=body)
    id_ = _id(started, "id", scope)
    ends = parameters.get("autoTerminateSession", True)
    try:
        path = f"/sessions/{segment(id_)}/windows"
        opened = await run.request(scope, method="POST", path=path, json={"url": parameters.get("url")})
        found = await _ask(run, scope, id_, _id(opened, "windowId", scope))
    finally:
        if ends:
            await run.request(scope, method="DELETE", path=f"/sessions/{segment(id_)}")
    gone = ("sessionId", "windowId") if ends else ()
    return [{"json": {name: each for name, each in found.items() if name not in gone}}]


async def _ask(run: Run, scope: Scope, id_: str, opened: str) -> dict[str, Any]:
    operation = js_string(scope.parameters.get("operation"))
    path = f"/sessions/{segment(id_)}/windows/{segment(opened)}/{_ASKS[operation]}"
    spec = {} if operation == "scrape" else {"json": _question(scope, operation)}
    answer = await run.request(scope, method="POST", path=path, **spec)
    place = {"sessionId": id_, "windowId": opened}
    if (scope.parameters.get("additionalFields") or {}).get("parseJsonOutput"):
        return {**place, "output": FILTERS["json"]((answer.get("data") or {}).get("modelResponse"))}
    return {**place, **answer}


def _question(scope: Scope, operation: str) -> dict[str, Any]:
    given = scope.parameters.get("additionalFields") or {}
    configuration: dict[str, Any] = {}
    if operation == "query":
        analysis = "enabled" if given.get("includeVisualAnalysis") else "disabled"
        configuration["experimental"] = {"includeVisualAnalysis": analysis}
    names = ("outputSchema", "paginationMode", "interactionMode")
    configuration |= {name: given[name] for name in names if given.get(name)}
    return {"prompt": scope.parameters.get("prompt"), "configuration": configuration}


def interaction(scope: Scope) -> dict[str, Any]:
    """Return what to do in a window."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or {}
    names = ("text", "pressEnterKey", "elementDescription")
    body: dict[str, Any] = {name: parameters[name] for name in names if name in parameters}
    configuration: dict[str, Any] = {}
    if "clickType" in parameters:
        configuration["clickType"] = parameters["clickType"]
    if given.get("visualScope"):
        configuration["visualAnalysis"] = {"scope": given["visualScope"]}
    if given.get("waitForNavigation"):
        configuration["waitForNavigationConfig"] = {"waitUntil": given["waitForNavigation"]}
        body["waitForNavigation"] = True
    return body | {"configuration": configuration}


def _id(answer: Any, name: str, scope: Scope) -> str:
    """Return an id that an answer tells. Raise NodeApiError."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, Mapping) or not data.get(name):
        raise NodeApiError(f"The answer of Airtop has no {name}", item=scope.index)
    return js_string(data[name])
