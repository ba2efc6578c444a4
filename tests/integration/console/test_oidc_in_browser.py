"""Sign-in at an identity provider, in Chromium; and what a browser without its cookie, or a token for others, gets."""

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from api.dependencies import Dependencies
from service.account_links import challenge_of
from tests.integration.console.browsing import IN_CHROMIUM, browser, picture
from tests.integration.console.chromium import Wire, serving, watched_page
from tests.service import application_with

__all__ = ["browser"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM

KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)


class Provider:
    """An OpenID provider that knows everybody, and sends them back at once."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self._codes: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.post(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Answer discovery, keys, and the page to sign in at."""
        parts = urlsplit(request.path)
        if parts.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            code = f"code-{len(self._codes)}"
            self._codes[code] = query["code_challenge"]
            request.send_response(302)
            back = urlencode({"code": code, "state": query["state"]})
            request.send_header("location", f"{query['redirect_uri']}?{back}")
            request.end_headers()
            return
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            },
            "/jwks": {"keys": [KEY.as_dict(private=False)]},
        }
        self._send(request, 200, documents[parts.path])

    def post(self, request: BaseHTTPRequestHandler) -> None:
        """Give tokens for a code, once, to who knows its verifier."""
        text = request.rfile.read(int(request.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(text).items()}
        if challenge_of(form["code_verifier"]) != self._codes.pop(form["code"], None):
            self._send(request, 400, {"error": "invalid_grant"})
            return
        claims = {"iss": self.url, "aud": "tempor8", "sub": "ada", "exp": int(time.time()) + 600, **self.claims}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)
        self._send(request, 200, {"access_token": "opaque", "id_token": token, "token_type": "Bearer"})

    def _send(self, request: BaseHTTPRequestHandler, status: int, document: Any) -> None:
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.end_headers()
        request.wfile.write(json.dumps(document).encode())


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The provider."""
    opened = Provider()
    threading.Thread(target=opened.http.serve_forever, daemon=True).start()
    yield opened
    opened.http.shutdown()
    opened.http.server_close()


@pytest.fixture(scope="module")
async def wire(dependencies: Dependencies, provider: Provider) -> AsyncIterator[Wire]:
    """The console, whose issuer is the provider."""
    application = application_with(
        dependencies,
        jwt_issuer=provider.url,
        jwt_audience="tempor8",
        jwks_url=f"{provider.url}/jwks",
        oidc_client_id="console",
    )
    async with serving(application) as opened:
        yield opened


async def test_who_signs_in_there_is_let_in_with_the_scopes_of_the_token(
    wire: Wire, browser: Any, provider: Provider, acme: httpx.AsyncClient
) -> None:
    provider.claims = {"tenant_id": "acme", "scope": "openid read"}
    async with watched_page(browser) as page:
        await page.goto(f"{wire.url}/console/templates/greeting")
        await picture(page, "sign-in-oidc")
        await page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        await page.wait_for_url("**/console/templates/greeting")
        await expect(page.get_by_text("acme", exact=True)).to_be_visible()
        assert await page.get_by_text("Start a run").count() == 0, "the token has the scope read alone"
    rows = (await acme.get("/audit", params={"limit": 50})).json()["items"]
    assert ("console.sign_in", "token", "ada") in {
        (each["action"], each["actor"]["kind"], each["actor"]["id"]) for each in rows
    }


async def test_a_token_for_no_tenant_and_a_code_in_another_browser_open_nothing(wire: Wire, provider: Provider) -> None:
    async with httpx.AsyncClient(base_url=wire.url) as one, httpx.AsyncClient(base_url=wire.url) as other:
        provider.claims = {"tenant_id": "nobody-here"}
        to = (await one.get("/console/oidc")).headers["location"]
        back = httpx.get(to).headers["location"]
        stolen = await other.get(back)
        assert stolen.status_code == 400
        assert "began in another browser" in stolen.text
        refused = await one.get(back)
        assert refused.status_code == 403
        assert "opens nothing here" in refused.text
        provider.claims = {"tenant_id": "acme", "aud": "another service", "scope": "read"}
        to = (await one.get("/console/oidc")).headers["location"]
        assert (await one.get(httpx.get(to).headers["location"])).status_code == 403
        assert (await one.get("/console/runs")).status_code == 303


async def test_without_a_provider_there_is_no_such_page(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/console/oidc")).status_code == 404
    assert "Sign in with" not in (await anonymous.get("/console/sign-in")).text
