"""Accounts: connected in a browser, bound to tenant, credential and browser; then a run uses, renews and loses them."""

import html
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar import Litestar

from api.dependencies import Dependencies
from service.account_links import Account
from service.api_keys import KeyScope
from tests.authorization_server import CLIENT, AuthorizationServer
from tests.exports import export, node
from tests.service import client, ended, started

pytestmark = pytest.mark.usefixtures("loopback")
ACCOUNT = Account("acme", "oAuth2Api", "Büro / 1")


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """The vendor."""
    with AuthorizationServer() as running:
        yield running


@pytest.fixture
async def credential(dependencies: Dependencies, server: AuthorizationServer) -> Account:
    """A credential without an account."""
    await dependencies.credentials.put(ACCOUNT.tenant, ACCOUNT.type, ACCOUNT.name, server.credential())
    return ACCOUNT


@pytest.fixture
async def browser(application: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, which keeps cookies."""
    async with client(application) as opened:
        yield opened


def way(page: httpx.Response) -> str:
    """Return where a page leads."""
    assert page.status_code == 200, page.text
    found = re.search(r'class="go" href="([^"]+)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def local(url: str) -> str:
    """Return path and query."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def allowed(page: httpx.Response) -> str:
    """Allow the use at the vendor; return where it sends the browser back to."""
    async with httpx.AsyncClient() as vendor:
        return local((await vendor.get(way(page))).headers["location"])


async def token(dependencies: Dependencies) -> dict[str, Any]:
    """What the credential keeps."""
    data: Mapping[str, Any] = await dependencies.credentials.get(ACCOUNT.tenant, ACCOUNT.type, ACCOUNT.name)
    return dict(data.get("oauthTokenData") or {})


async def test_a_link_of_the_command_line_connects(
    dependencies: Dependencies, credential: Account, browser: httpx.AsyncClient
) -> None:
    """The vendor gets a challenge and a state that say nothing; tokens are stored, and nothing of them is shown."""
    page = await browser.get(local(dependencies.account_links.link(credential)))
    assert "Büro / 1" in page.text
    query = parse_qs(urlsplit(way(page)).query)
    assert query["client_id"] == [CLIENT[0]]
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["all"]
    assert "acme" not in query["state"][0]
    done = await browser.get(await allowed(page))
    assert (done.status_code, "The account is connected" in done.text) == (200, True)
    assert "CANARY" not in done.text + page.text + str(done.headers)
    assert (await token(dependencies))["refresh_token"].startswith("CANARY-")
    records = [each.record for each in await dependencies.audit.page("acme", limit=5)]
    assert "credential/oAuth2Api/Büro / 1" in [each.object for each in records if each.action == "credential.connect"]


async def test_another_browser_cannot_finish(
    dependencies: Dependencies, credential: Account, browser: httpx.AsyncClient, application: Litestar
) -> None:
    """Whoever is lured to a callback does not connect the lurer's account."""
    back = await allowed(await browser.get(local(dependencies.account_links.link(credential))))
    async with client(application) as other:
        await other.get(local(dependencies.account_links.link(credential)))  # a connection of its own
        refused = await other.get(back)
    assert refused.status_code == 400
    assert "This browser did not begin the connection" in refused.text
    assert await token(dependencies) == {}


async def test_a_code_is_good_once(dependencies: Dependencies, credential: Account, browser: httpx.AsyncClient) -> None:
    back = await allowed(await browser.get(local(dependencies.account_links.link(credential))))
    assert (await browser.get(back)).status_code == 200
    assert "did not begin" in (await browser.get(back)).text


@pytest.mark.parametrize("broken", ["link=AAAA", "link=%C3%A4", "tenant=acme"])
async def test_a_link_that_is_none_is_refused(browser: httpx.AsyncClient, broken: str) -> None:
    assert (await browser.get(f"/oauth2/connect?{broken}")).status_code == 400


async def test_a_state_of_another_kind_is_refused(
    dependencies: Dependencies, credential: Account, browser: httpx.AsyncClient
) -> None:
    """A link is sealed with another key than a state."""
    link = dependencies.account_links.link(credential).partition("link=")[2]
    assert (await browser.get("/oauth2/callback", params={"state": link, "code": "x"})).status_code == 400


async def test_what_the_vendor_refuses_is_said(
    dependencies: Dependencies, credential: Account, browser: httpx.AsyncClient
) -> None:
    page = await browser.get(local(dependencies.account_links.link(credential)))
    state = parse_qs(urlsplit(way(page)).query)["state"][0]
    refused = await browser.get("/oauth2/callback", params={"state": state, "error": "access_denied"})
    assert (refused.status_code, "The vendor answered: access_denied" in refused.text) == (400, True)
    evil = await browser.get("/oauth2/callback", params={"state": state, "error": "<script>alert(1)</script>"})
    assert "<script" not in evil.text


@pytest.mark.parametrize("change", [{"clientSecret": "other"}, {"accessTokenUrl": "http://127.0.0.1:1/token"}])
async def test_a_token_server_that_refuses_is_said(
    dependencies: Dependencies,
    credential: Account,
    browser: httpx.AsyncClient,
    server: AuthorizationServer,
    change: dict[str, str],
) -> None:
    """A wrong client secret; a server that is not there."""
    await dependencies.credentials.put("acme", credential.type, credential.name, server.credential(**change))
    back = await allowed(await browser.get(local(dependencies.account_links.link(credential))))
    refused = await browser.get(back)
    assert (refused.status_code, "The token server gave no token" in refused.text) == (409, True)
    assert "CANARY" not in refused.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"clientId": ""}, "lacks the field &#39;clientId&#39;"),
        ({"authUrl": "javascript:alert(1)"}, "no address of a web server"),
        ({"grantType": "clientCredentials"}, "need no account"),
    ],
)
async def test_a_credential_that_cannot_be_connected_says_why(
    dependencies: Dependencies,
    credential: Account,
    browser: httpx.AsyncClient,
    server: AuthorizationServer,
    fields: dict[str, str],
    words: str,
) -> None:
    await dependencies.credentials.put("acme", credential.type, credential.name, server.credential(**fields))
    page = await browser.get(local(dependencies.account_links.link(credential)))
    assert (page.status_code, words in page.text) == (409, True), page.text


async def test_names_in_an_address_are_text(browser: httpx.AsyncClient) -> None:
    """Anybody can make an open link; it runs nothing, and no other site can frame or refer to the page."""
    evil = '"><script>alert(1)</script>'
    page = await browser.get("/oauth2/connect", params={"tenant": evil, "type": evil, "name": evil})
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


async def test_the_open_link_asks_for_an_api_key(
    dependencies: Dependencies, credential: Account, browser: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    """Of the tenant, with the scope `admin`; before that the page knows nothing but its own address."""
    fields = {"tenant": credential.tenant, "type": credential.type, "name": credential.name}
    page = await browser.get("/oauth2/connect", params=fields)
    assert (page.status_code, 'type="password"' in page.text) == (200, True)
    weak = (
        await dependencies.tenants.issue_key("acme", "weak", scopes=frozenset({KeyScope.RUN}), lifetime=None)
    ).secret
    for key, status in (("t8_acme_" + "0" * 48, 401), (api_keys[1], 403), (weak, 403)):
        assert (await browser.post("/oauth2/connect", data={**fields, "key": key})).status_code == status
    page = await browser.post("/oauth2/connect", data={**fields, "key": api_keys[0]})
    assert (await browser.get(await allowed(page))).status_code == 200
    assert (await token(dependencies))["access_token"]


def calling(server: AuthorizationServer) -> dict[str, Any]:
    """A workflow that calls the vendor."""
    call = node(
        "Call", "httpRequest", 4.2, url=f"{server.url}/api", authentication="genericCredentialType",
        genericAuthType="oAuth2Api", options={},
    )  # fmt: skip
    call["credentials"] = {"oAuth2Api": {"id": "1", "name": ACCOUNT.name}}
    return export("Calling", node("Start", "manualTrigger"), call)


@pytest.mark.usefixtures("worker")
async def test_a_run_renews_a_token_keeps_it_and_says_when_the_account_is_gone(
    dependencies: Dependencies, credential: Account, acme: httpx.AsyncClient, server: AuthorizationServer
) -> None:
    """The link in its error holds nothing secret; whoever follows it needs a key."""
    await dependencies.credentials.put("acme", credential.type, credential.name, server.connected())
    answer = await acme.post("/templates", params={"key": "calling"}, json=calling(server))
    assert answer.status_code in (200, 201), answer.text
    for _ in range(2):
        assert (await ended(acme, await started(acme, "calling")))["status"] == "completed"
    assert (server.refreshes, server.calls) == (1, 2)
    server.revoke()
    failed = await ended(acme, await started(acme, "calling"))
    assert failed["status"] == "failed"
    told = str((await acme.get(f"/workflows/{failed['workflow_id']}/history")).json()) + str(failed)
    assert "needs to be reconnected" in told
    assert "/oauth2/connect?tenant=acme&type=oAuth2Api&name=B%C3%BCro" in told
    assert "CANARY" not in told
