"""Sign-in, what a session may do, and that no other site acts in its name."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from api.access import OPERATOR
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.api_keys import KeyScope
from service.tenants import TenantStore
from tests.integration.console.conftest import signed_in
from tests.service import OPERATOR_KEY, client

pytestmark = pytest.mark.usefixtures("published")

NO_TENANTS = "acme:greeting:0"
FILLED = {
    "workflow_id": NO_TENANTS,
    "key": "no_such",
    "slug": "no_such",
    "version": "1",
    "name": "console.css",
    "key_id": "no_such",
    "tenant": "no_such",
}
PUBLIC = {
    "/console",
    "/console/sign-in",
    "/console/sign-out",
    "/console/static/{name:str}",
    "/console/oidc",
    "/console/oidc/callback",
}


def console_routes(application: Litestar, method: str, *, operators: bool = False) -> list[str]:
    """Return the address of each page that needs a session of a tenant, or of the operator, with things that do not exist."""
    paths = [
        route.path
        for route in application.routes
        if route.path.startswith("/console") and method in getattr(route, "methods", ()) and route.path not in PUBLIC
        if any(
            bool(each.opt.get(OPERATOR)) is operators and method in each.http_methods
            for each in getattr(route, "route_handlers", ())
        )
    ]
    return [path.replace(":str", "").replace(":int", "").format(**FILLED) for path in paths]


async def test_a_key_opens_a_session_whose_cookie_scripts_and_other_sites_do_not_get(
    application: Litestar, api_keys: tuple[str, str]
) -> None:
    async with client(application) as browser:
        answer = await browser.post("/console/sign-in", data={"key": api_keys[0], "next": "/console/failures"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/failures")
        cookie = answer.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=lax", "Path=/console"):
            assert part in cookie
        assert api_keys[0] not in cookie
        assert (await browser.get("/console/runs")).status_code == 200
        out = await browser.post("/console/sign-out")
        assert out.headers["location"] == "/console/sign-in"
        assert (await browser.get("/console/runs")).status_code == 303


@pytest.mark.parametrize("key", ["", "nope", "t8_acme_" + "0" * 48])
async def test_a_wrong_key_opens_nothing(anonymous: httpx.AsyncClient, key: str) -> None:
    answer = await anonymous.post("/console/sign-in", data={"key": key})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "no valid API key" in answer.text


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/console/../webhook/acme/x", "/webhook/x", "/console/\\evil"]
)
async def test_the_way_back_after_the_sign_in_stays_in_the_console(
    application: Litestar, api_keys: tuple[str, str], path: str
) -> None:
    async with client(application) as browser:
        answer = await browser.post("/console/sign-in", data={"key": api_keys[0], "next": path})
        assert answer.headers["location"] == "/console/runs"


async def test_without_a_session_every_page_leads_to_the_sign_in(
    application: Litestar, anonymous: httpx.AsyncClient
) -> None:
    own = console_routes(application, "GET", operators=True)
    pages = console_routes(application, "GET")
    assert len(own) >= 5
    assert len(pages) >= 10
    pages += own
    for path in pages:
        answer = await anonymous.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/console/sign-in?next=%2Fconsole"), path
        part = await anonymous.get(path, headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/console/sign-in"), path


@pytest.mark.parametrize("cookie", ["x", "a" * 5000, "é", "eyJhbGciOiJub25lIn0"])
async def test_a_cookie_that_is_none_of_ours_is_no_session(anonymous: httpx.AsyncClient, cookie: str) -> None:
    headers = [(b"cookie", b"tempor8_console=" + cookie.encode())]
    assert (await anonymous.get("/console/runs", headers=headers)).status_code == 303


async def test_a_key_in_a_header_opens_no_page_and_a_cookie_opens_nothing_but_pages(
    acme: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    assert (await acme.get("/console/runs")).status_code == 303
    jar = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    assert (await browser.get("/workflows", headers={"Cookie": jar})).status_code == 401


async def test_a_form_without_the_sessions_token_does_nothing(
    application: Litestar, browser: httpx.AsyncClient
) -> None:
    forms = console_routes(application, "POST")
    assert len(forms) >= 5
    for path in forms:
        for data, headers in (({}, {}), ({"csrf": "x"}, {}), ({"csrf": "x"}, {"Sec-Fetch-Site": "cross-site"})):
            answer = await browser.post(path, data=data, headers=headers)
            assert answer.status_code == 403, path
            assert "not of a page of this session" in answer.text
    assert (await browser.post("/console/sign-out", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403


async def test_a_session_may_do_what_its_key_may(
    application: Litestar, database: Database, keys: Keyring, tenants: tuple[str, str], browser: httpx.AsyncClient
) -> None:
    store = TenantStore(database, keys)
    key = (await store.issue_key(tenants[0], "reader", scopes={KeyScope.READ})).secret
    async with signed_in(application, key) as reader:
        assert (await reader.get("/console/runs")).status_code == 200
        for path in console_routes(application, "POST"):
            answer = await reader.post(path, data={})
            assert answer.status_code == 403
            assert "lacks a scope" in answer.text


async def test_a_revoked_key_ends_its_sessions(
    application: Litestar, database: Database, keys: Keyring, tenants: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.authentication.KEY_CACHE_SECONDS", 0.0)
    store = TenantStore(database, keys)
    key = await store.issue_key(tenants[0], "for a while", scopes={KeyScope.READ})
    async with signed_in(application, key.secret) as browser:
        assert (await browser.get("/console/runs")).status_code == 200
        assert await store.revoke(tenants[0], key.key.id)
        assert (await browser.get("/console/runs")).headers["location"].startswith("/console/sign-in")


async def test_pages_run_no_script_but_the_consoles_own(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for caller, path in (
        (browser, "/console/runs"),
        (anonymous, "/console/sign-in"),
        (browser, "/console/runs/acme:x:1"),
    ):
        answer = await caller.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "style=" not in answer.text
        assert "<script>" not in answer.text


async def test_files_of_pages_are_the_consoles_and_kept(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/console/static/htmx.min.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    for name in ("pages.py", "../pages.py", "%2e%2e%2fpages.py", "htmx.LICENSE"):
        assert (await anonymous.get(f"/console/static/{name}")).status_code == 404


async def test_a_sign_in_is_in_the_audit_log(acme: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    del browser
    items: list[dict[str, Any]] = (await acme.get("/audit", params={"limit": 200})).json()["items"]
    assert any(each["action"] == "console.sign_in" and each["outcome"] == "done" for each in items)


async def test_the_operators_key_opens_the_operators_pages_and_nothing_of_a_tenants(
    application: Litestar, browser: httpx.AsyncClient
) -> None:
    async with client(application) as operator:
        answer = await operator.post("/console/sign-in", data={"key": OPERATOR_KEY})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/tenants")
        assert OPERATOR_KEY not in answer.headers["set-cookie"]
        assert (await operator.get("/console")).headers["location"] == "/console/tenants"
        assert (await operator.get("/console/tenants")).status_code == 200
        jar = "; ".join(f"{name}={value}" for name, value in operator.cookies.items())
        assert (await operator.get("/operator/audit", headers={"Cookie": jar})).status_code == 401
        for method in ("GET", "POST"):
            for path in console_routes(application, method):
                assert (await operator.request(method, path)).status_code == 403, path
            for path in console_routes(application, method, operators=True):
                refused = await browser.request(method, path)
                assert refused.status_code == 403, path
                assert "is the operator" in refused.text
        for path in console_routes(application, "POST", operators=True):
            assert "not of a page of this session" in (await operator.post(path, data={"csrf": "x"})).text, path


async def test_whoever_signs_in_comes_to_a_page_of_their_own(application: Litestar, api_keys: tuple[str, str]) -> None:
    """`/` asks everybody to sign in for the list of runs, which the operator may not see."""
    pages = {OPERATOR_KEY: "/console/tenants", api_keys[0]: "/console/runs"}
    for key, first in pages.items():
        async with client(application) as browser:
            for asked in ("", *pages.values(), "/console/operator-audit", "/console/failures"):
                answer = await browser.post("/console/sign-in", data={"key": key, "next": asked})
                own = asked.startswith(("/console/tenants", "/console/operator-audit")) == (key == OPERATOR_KEY)
                assert answer.headers["location"] == (asked if asked and own else first), asked


async def test_an_operators_session_ends_with_the_key(application: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    async with signed_in(application, OPERATOR_KEY) as operator:
        assert (await operator.get("/console/tenants")).status_code == 200
        monkeypatch.setattr("api.authentication._digest", lambda secret: secret.encode()[::-1])
        assert (await operator.get("/console/tenants")).headers["location"].startswith("/console/sign-in")
