"""Two tenants and an anonymous caller: what is not theirs does not exist for them, on every endpoint."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from runtime.platform.settings import Settings
from service.tenants import TenantStore
from tests.service import client, ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")

FOREIGN = (
    ("GET", "/workflows/{run}/status"),
    ("GET", "/workflows/{run}/result"),
    ("GET", "/workflows/{run}/history"),
    ("POST", "/workflows/{run}/cancel"),
    ("GET", "/templates/greeting/versions"),
    ("POST", "/templates/greeting/activate"),
)
GUARDED = (
    *FOREIGN,
    ("POST", "/workflows/start"),
    ("GET", "/workflows"),
    ("GET", "/templates"),
    ("POST", "/templates"),
    ("GET", "/metrics"),
)
OPEN = ("/health", "/livez", "/readyz", "/problems", "/openapi.json")


@pytest.fixture
async def run(acme: httpx.AsyncClient) -> str:
    """A finished run of the first tenant, in the tables too."""
    found = await started(acme, "greeting", {"name": "mine"})
    await ended(acme, found)

    async def listed() -> Any:
        items = (await acme.get("/workflows")).json()["items"]
        return any(item["workflow_id"] == found for item in items)

    await eventually(listed)
    return found


@pytest.mark.parametrize(("method", "path"), FOREIGN)
async def test_another_tenants_things_do_not_exist(
    globex: httpx.AsyncClient, acme: httpx.AsyncClient, run: str, method: str, path: str
) -> None:
    theirs = await globex.request(method, path.format(run=run))
    never_was = await globex.request(method, path.format(run=run.replace("acme:", "globex:", 1)[:-1] + "0"))
    assert theirs.status_code == 404
    assert theirs.headers["content-type"] == "application/problem+json"
    # nothing tells a foreign run from one that never was
    assert theirs.json()["type"] == never_was.json()["type"]
    assert theirs.json()["title"] == never_was.json()["title"]
    assert (await acme.get(f"/workflows/{run}/status")).json()["status"] == "completed"


async def test_another_tenants_runs_are_in_no_list_and_no_figure(globex: httpx.AsyncClient, run: str) -> None:
    assert run not in (await globex.get("/workflows")).text
    assert "greeting" not in (await globex.get("/metrics")).text


@pytest.mark.parametrize(
    "id_",
    ["acme:greeting", "acme::", "globex:../acme:greeting:1", "nonsense", "acme:greeting:1/../../x", "%00", "*:a:b"],
)
async def test_ids_that_are_no_ids_are_not_found(globex: httpx.AsyncClient, id_: str) -> None:
    answer = await globex.get(f"/workflows/{id_}/status")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nope"},
        {"X-API-Key": "t8_acme_" + "0" * 48},
        {"Authorization": "Basic YWNtZTpwYXNz"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJ0ZW5hbnRfaWQiOiJhY21lIiwiZXhwIjo5OTk5OTk5OTk5fQ."},
        {"X-Tenant-Id": "acme"},
    ],
)
async def test_nobody_gets_in_without_a_key_of_ours(
    anonymous: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await anonymous.request(method, path.format(run="acme:greeting:1"), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", OPEN)
async def test_only_health_and_descriptions_are_public(anonymous: httpx.AsyncClient, path: str) -> None:
    assert (await anonymous.get(path)).status_code in (200, 503)


async def test_every_route_that_is_not_listed_as_public_asks_for_a_key(application: Litestar) -> None:
    public = {
        route.path
        for route in application.routes
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)])
        if handler is not None and handler.opt.get("public")
    }
    preflight = {
        (route.path, handler.opt.get("operator"))
        for route in application.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.opt.get("preflight")
    }
    assert preflight == {("/codec/decode", True)}
    assert public == {"/health", "/livez", "/readyz", "/problems", "/problems/{slug:str}", "/openapi.json", "/webhook", "/form", "/mcp",
        "/oauth2/connect", "/oauth2/callback",  # ask for a sealed link or state, or for a key in a form
        "/", "/console", "/console/sign-in", "/console/sign-out", "/console/static/{name:str}",  # no data of tenants
        "/console/oidc", "/console/oidc/callback",  # begin a session, for a token that the identity provider signed
        "/docs", "/docs/static/{name:str}",  # the same page and files for everyone, over /openapi.json
        "/openapi", "/openapi/openapi.json", "/openapi/{path:str}"}  # fmt: skip


async def test_the_key_decides_and_a_body_that_names_another_tenant_is_refused(globex: httpx.AsyncClient) -> None:
    answer = await globex.post("/workflows/start", json={"workflow_template": "greeting", "tenant_id": "acme"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/tenant-mismatch"


async def test_a_revoked_key_stops_working(
    application: Litestar, database: Any, keys: Any, tenants: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.authentication.KEY_CACHE_SECONDS", 0.0)
    store = TenantStore(database, keys)
    key = await store.issue(tenants[0], "short-lived")
    async with client(application, key) as caller:
        assert (await caller.get("/templates")).status_code == 200
        row = next(each for each in await store.keys(tenants[0]) if each.name == "short-lived")
        assert await store.revoke(tenants[0], row.id)
        assert (await caller.get("/templates")).status_code == 401


async def test_a_key_is_not_kept_in_clear(database: Any, api_keys: tuple[str, str], tenants: tuple[str, str]) -> None:
    async with database.tenant_transaction(tenants[0]) as connection:
        rows = await (await connection.execute("select * from api_keys")).fetchall()
    assert rows
    assert api_keys[0].rpartition("_")[2] not in repr(rows)


async def test_an_error_tells_nothing_of_the_inside(
    acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, service: Settings
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("secret-of-the-inside")

    monkeypatch.setattr("service.execution_store.ExecutionStore.page", broken)
    answer = await acme.get("/workflows")
    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal-error"
    assert answer.json()["incident"]
    for word in ("secret-of-the-inside", "KeyError", "Traceback", "runtime/", str(service.temporal_address)):
        assert word not in answer.text
