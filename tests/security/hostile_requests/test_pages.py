"""Every route that the OpenAPI description leaves out (console, accounts, codec, MCP), with every hostile value in each of its places.

A sample in `make test`, drawn for each route, so that every value is among those of some; all of them, which take more than a
minute of the processor, in `make fuzz`.
"""

import os
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from tests.exports import export, node
from tests.security.hostile_requests.values import BODIES, CONTENT_TYPES, IN_ADDRESS, IN_HEADER, IN_JSON, dumps
from tests.security.hostile_requests.wire import send
from tests.service import OPERATOR_KEY

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("published")]

FUZZ: Final = os.environ.get("TEMPOR8_FUZZ") == "1"
SHARE: Final = 4
"""One in so many requests to a route is made."""
MOUNTS: Final = {
    "/webhook", "/webhook-test", "/webhook-waiting", "/form", "/form-test", "/form-waiting",
}  # fmt: skip
"""Those of `test_triggers.py`."""
SERVER: Final = "/mcp/acme/hostile-tools"
FORM: Final = "application/x-www-form-urlencoded"
HEADERS: Final = (
    "cookie",
    "sec-fetch-site",
    "referer",
    "origin",
    "accept",
    "last-event-id",
    "content-length",
    "if-none-match",
)
VALID: Final = {
    "workflow_id": "acme:greeting:0",
    "key": "greeting",
    "name": "none.css",
    "slug": "none",
    "node": "Hook",
    "version": "1",
}
"""Path parameter -> a value that is well-formed."""
QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "console": ("cursor", "status", "template", "since", "next", "node", "run", "user_id", "fingerprint", "trigger",
                "until", "problem", "steps", "side", "code", "state"),
    "oauth2": ("link", "tenant", "type", "name", "state", "code", "error"),
}  # fmt: skip
"""Beginning of a path -> parameters of queries."""
OPEN: Final = ("/console/sign-in", "/console/sign-out", "/console/static", "/console/oidc")
"""Pages that ask for no session; without an identity provider, as here, `/console/oidc` is not found."""
FIELDS: Final = ("key", "next", "csrf", "tenant", "type", "name", "action", "run", "ids", "node", "path")
Hostile = tuple[str, str, str, dict[str, str], bytes]
"""What it is, method, target, headers, body."""


def hidden(application: Litestar) -> list[tuple[str, str, list[str]]]:
    """Return method, path and names of the path's parameters of each route that no description names."""
    found: list[tuple[str, str, list[str]]] = []
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if not handler.resolve_include_in_schema() and method != "OPTIONS":
                    found.append((method, route.path_format, list(route.path_parameters)))
        elif isinstance(route, ASGIRoute) and route.path not in MOUNTS:
            found += [
                (method, SERVER if route.path == "/mcp" else route.path, []) for method in ("GET", "POST", "DELETE")
            ]
    return found


def filled(route: str, names: list[str], own: Mapping[str, str] = {}) -> str:
    """Return a path with its parameters."""
    for name in names:
        route = route.replace(f"{{{name}}}", own.get(name, VALID.get(name, "x")))
    return route


def in_address(method: str, path: str, names: list[str]) -> Iterator[Hostile]:
    """Hostile values in the path, the query, below the path and in headers."""
    valid = filled(path, names)
    for value_name, value in IN_ADDRESS.items():
        for name in names:
            yield f"{name}: {value_name}", method, filled(path, names, {name: value}), {}, b""
        for name in QUERIES.get(valid.split("/")[1], ("a",)):
            yield f"?{name}: {value_name}", method, f"{valid}?{name}={value}", {}, b""
        yield f"below: {value_name}", method, f"{valid}/{value}", {}, b""
    for value_name, value in IN_HEADER.items():
        for name in HEADERS:
            yield f"{name}: {value_name}", method, valid, {name: value}, b""


def in_body(method: str, path: str, names: list[str]) -> Iterator[Hostile]:
    """Hostile bodies, and hostile values in the fields of forms."""
    valid = filled(path, names)
    for body_name, body in BODIES.items():
        for type_ in ("application/json", FORM, "multipart/form-data; boundary=x"):
            yield f"{type_:.20}: {body_name}", method, valid, {"content-type": type_}, body
    for type_ in CONTENT_TYPES:
        yield f"{type_!r:.40}", method, valid, {"content-type": type_}, b"a=1"
    for value_name, value in IN_ADDRESS.items():
        for name in FIELDS:
            yield f"form's {name}: {value_name}", method, valid, {"content-type": FORM}, f"{name}={value}".encode()


def requests_of(method: str, path: str, names: list[str]) -> Iterator[Hostile]:
    """Every hostile request to a route."""
    yield from in_address(method, path, names)
    if method in ("POST", "PUT", "PATCH"):
        yield from in_body(method, path, names)


def sample(method: str, path: str, names: list[str]) -> list[Hostile]:
    """The hostile requests to a route that are made: always the same, as long as there are the same."""
    every = list(requests_of(method, path, names))
    drawn = random.Random(f"{method} {path}")  # noqa: S311 - which requests, no secret
    return every if FUZZ else drawn.sample(every, len(every) // SHARE)


def messages() -> Iterator[Hostile]:
    """Hostile messages of a client of MCP."""
    kind = {"content-type": "application/json"}
    for name, value in IN_JSON.items():
        for member in ("jsonrpc", "id", "method", "params"):
            for method in ("ping", "initialize", "tools/list", "tools/call", "x"):
                message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}} | {member: value}
                yield f"{method}, {member}: {name}", "POST", SERVER, kind, dumps(message)
        for member in ("name", "arguments", "protocolVersion", "_meta"):
            for method in ("initialize", "tools/call"):
                params = {"name": "Double", "arguments": {"input": "1"}} | {member: value}
                yield (
                    f"{method}, {member}: {name}",
                    "POST",
                    SERVER,
                    kind,
                    dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                )


@pytest.fixture(scope="module")
async def server(acme: httpx.AsyncClient, worker: None) -> None:
    """An MCP server with one tool."""
    del worker
    trigger = node("Server", "mcpTrigger", 2, path="hostile-tools")
    trigger |= {"type": "@n8n/n8n-nodes-langchain.mcpTrigger", "webhookId": "hostile"}
    tool = node("Double", "toolCode", 1.3, description="doubles", jsCode="return String(Number(query) * 2)")
    made = export("Hostile tools", trigger)
    made["nodes"].append(tool | {"type": "@n8n/n8n-nodes-langchain.toolCode"})
    made["connections"] = {"Double": {"ai_tool": [[{"node": "Server", "type": "ai_tool", "index": 0}]]}}
    assert (await acme.post("/templates", params={"key": "hostile-tools"}, json=made)).status_code in (200, 201)


async def credentials_of(application: Litestar, key: str) -> dict[str, dict[str, str]]:
    """Return by beginning of a path the headers of somebody who is let in."""
    answer = await send(application, "POST", "/console/sign-in", {"content-type": FORM}, f"key={key}".encode())
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return {"console": {"cookie": cookie}, "codec": {"authorization": f"Bearer {OPERATOR_KEY}"}}


@pytest.mark.timeout(600)
async def test_hostile_requests_to_pages_work_or_are_refused_in_words(
    application: Litestar, api_keys: tuple[str, str], server: None
) -> None:
    """Never a mistake of the service."""
    routes, wrong = hidden(application), list[Any]()
    assert {path.split("/")[1] for _, path, _ in routes} >= {"console", "oauth2", "codec", "mcp"}
    credentials = await credentials_of(application, api_keys[0])
    made = {what.partition(": ")[2] for route in routes for what, *_ in sample(*route)}
    assert made >= IN_ADDRESS.keys() | IN_HEADER.keys() | BODIES.keys(), "a value that no route is asked with"
    for method, path, names in routes:
        own = credentials.get(path.split("/")[1], {})
        for what, verb, target, headers, body in sample(method, path, names):
            got = await send(application, verb, target, own | headers, body)
            said = got.is_refusal_in_words() or (path == SERVER and b'"error":{"code":' in got.body)
            if got.status >= 500 or (got.status >= 400 and not said):
                wrong.append((what, verb, target[:80], got.status, got.body[:200]))
        if own and not path.startswith(OPEN):
            got = await send(application, method, filled(path, names))
            assert got.status in (303, 401, 403), (method, path, got.status)
    assert not wrong, wrong[:20]


@pytest.mark.timeout(300)
async def test_hostile_messages_to_an_mcp_server_are_answered_in_its_terms(application: Litestar, server: None) -> None:
    """An error of JSON-RPC, or a result."""
    wrong = []
    for what, verb, target, headers, body in messages():
        got = await send(application, verb, target, headers, body)
        if got.status >= 500:
            wrong.append((what, got.status, got.body[:200]))
    assert wrong == []
