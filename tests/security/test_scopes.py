"""Scopes: every operation of the API, from its description, called with a key of each scope alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from litestar import Litestar, get

from api.access import UndeclaredAccess, require_declared
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.api_keys import KeyScope
from service.tenants import TenantStore
from tests.architecture.test_openapi import describe
from tests.patience import PATIENCE
from tests.service import client

pytestmark = pytest.mark.usefixtures("published")

BODIES = {"POST /workflows/retry": {"filter": {"workflow_template": "no_such"}}}
"""Of operations that would do something without a word: all failed runs, which other tests have left."""
FILLED = {"workflow_id": "acme:greeting:0", "key": "no_such", "key_id": "0", "slug": "forbidden", "tenant": "nobody"}
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in describe()["paths"].items()
    for method, operation in methods.items()
]
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]
EXPECTED = {
    "read": {
        "GET /workflows", "GET /workflows/{workflow_id}/status", "GET /workflows/{workflow_id}/result",
        "GET /workflows/{workflow_id}/history", "GET /workflows/{workflow_id}/events", "GET /templates",
        "GET /templates/{key}/versions", "GET /templates/{key}/registrations", "GET /templates/{key}/schedules", "GET /metrics",
        "GET /failures", "GET /stuck", "GET /agents", "GET /agents/{slug}", "GET /templates/{key}/diff",
        "GET /workflows/{workflow_id}/waits", "GET /metrics/series",
    },
    "run": {"POST /workflows/start", "POST /workflows/{workflow_id}/cancel", "POST /workflows/{workflow_id}/retry", "POST /workflows/retry",
        "POST /workflows/{workflow_id}/answer",
    },
    "publish": {
        "POST /templates", "POST /templates/check", "POST /templates/{key}/activate", "POST /templates/{key}/deactivate",
        "POST /templates/{key}/listen", "DELETE /templates/{key}",
    },
    "admin": {"GET /keys", "POST /keys", "POST /keys/{key_id}/rotate", "PUT /keys/{key_id}/expiry", "DELETE /keys/{key_id}", "GET /audit"},
}  # fmt: skip
"""Scope -> operations that a key with it may call: a route that moves to another scope is to be seen in a review."""


def scope_of(operation: dict[str, Any]) -> str | None:
    """Return the scope that the description names; None: the operation is public or the operator's."""
    words = requirement(operation).get("bearer", [])
    return words[0] if words else None


def requirement(operation: dict[str, Any]) -> dict[str, list[str]]:
    """Return the first of the ways in which an operation asks for a key; nothing: it is public."""
    found: dict[str, list[str]] = (operation["security"] or [{}])[0]
    return found


@pytest.fixture(scope="module")
async def by_scope(
    application: Litestar, database: Database, keys: Keyring, tenants: tuple[str, str]
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client of the first tenant for each scope, and one with all others than that scope (`not-read`)."""
    store = TenantStore(database, keys)
    async with AsyncExitStack() as stack:
        clients = {}
        for scope in KeyScope:
            for name, scopes in ((scope.value, {scope}), (f"not-{scope.value}", set(KeyScope) - {scope})):
                key = (await store.issue_key(tenants[0], name, scopes=scopes)).secret
                clients[name] = await stack.enter_async_context(client(application, key))
        yield clients


async def call(caller: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    """Call an operation with things that do not exist: whoever gets past the scope is told so by another status."""
    body: Any = None if method in ("GET", "DELETE") else BODIES.get(f"{method} {path}", {})
    return await asyncio.wait_for(caller.request(method, path.format(**FILLED), json=body), PATIENCE)


def test_the_scope_of_each_operation_is_the_one_that_was_decided() -> None:
    found: dict[str, set[str]] = {}
    for name, (_, _, operation) in zip(IDS, OPERATIONS, strict=True):
        if (scope := scope_of(operation)) is not None:
            found.setdefault(scope, set()).add(name)
    assert found == EXPECTED


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
async def test_an_operation_asks_for_its_scope_and_for_no_other(
    by_scope: dict[str, httpx.AsyncClient], method: str, path: str, operation: dict[str, Any]
) -> None:
    """A public one takes any key, and one of the operator's none of a tenant's."""
    needed = scope_of(operation)
    for name, caller in by_scope.items():
        answer = await call(caller, method, path)
        if "operator" in requirement(operation):
            assert answer.status_code == 401, name
        elif needed is None or name == needed or (name.startswith("not-") and name != f"not-{needed}"):
            assert answer.status_code not in (401, 403), (name, answer.text)
        else:
            problem = answer.json()
            assert answer.status_code == 403, name
            assert problem["type"] == "/problems/missing-scope"
            assert problem["scope"] == needed
            assert needed in problem["detail"]
            assert needed not in problem["scopes"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
async def test_the_operators_key_opens_the_operators_plane_and_nothing_else(
    operator: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    answer = await call(operator, method, path)
    theirs = "operator" in requirement(operation) or not requirement(operation)
    assert (answer.status_code == 401) != theirs, answer.text


def test_a_route_that_declares_nothing_stops_the_application() -> None:
    @get("/open-by-mistake")
    async def handler() -> None: ...

    with pytest.raises(UndeclaredAccess, match="/open-by-mistake"):
        require_declared(Litestar([handler]).routes)


@pytest.mark.parametrize("key", ["", "x", "the-key-of-the-operator-of-the-test", "\xff", "t8_acme_" + "0" * 48])
async def test_another_key_is_not_the_operators(anonymous: httpx.AsyncClient, key: str) -> None:
    headers = {b"authorization": b"Bearer " + key.encode("latin-1")}
    answer = await anonymous.get("/operator/tenants/acme", headers=list(headers.items()))
    assert answer.status_code == 401
