"""`tempor8 credentials connect` and `test` on a real database, with a vendor that rotates its tokens."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from service.tenants import TenantStore
from tests.authorization_server import CLIENT, AuthorizationServer

WHERE = ("acme", "oAuth2Api", "verb")


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """The vendor."""
    with AuthorizationServer() as running:
        yield running


@pytest.fixture
async def store(
    database: Database, keys: Keyring, tenants: tuple[str, str], server: AuthorizationServer
) -> AsyncIterator[SealedCredentials]:
    """The sealed table with a credential without an account, of a tenant that may reach the vendor."""
    allowing = TenantStore(database, keys)
    await allowing.allow_egress(tenants[0], [server.host])
    made = SealedCredentials(database, keys)
    await made.put(*WHERE, server.credential())
    yield made
    await made.delete(*WHERE)
    await allowing.allow_egress(tenants[0], [])


async def begun(embedded: EmbeddedProfile, *arguments: str) -> asyncio.subprocess.Process:
    """Start `tempor8 credentials`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", "credentials", *arguments,
        env={**os.environ, **embedded.environment()}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def verb(embedded: EmbeddedProfile, *arguments: str) -> tuple[int, str]:
    """Return the exit code of `tempor8 credentials`, and what it prints."""
    process = await begun(embedded, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


async def test_connect_prints_a_link_and_the_redirect_uri(embedded: EmbeddedProfile, store: SealedCredentials) -> None:
    """A credential that cannot be connected has no link."""
    code, told = await verb(embedded, "connect", *WHERE)
    assert code == 0, told
    assert re.search(r"/oauth2/callback\n", told)
    assert re.search(r"/oauth2/connect\?link=[\w-]{60,}\n", told)
    await store.put(*WHERE, {"grantType": "pkce"})
    code, told = await verb(embedded, "connect", *WHERE)
    assert (code, "lacks the field 'clientId'" in told) == (1, True)
    code, told = await verb(embedded, "connect", "acme", "oAuth2Api", "none")
    assert (code, "has no credential 'none'" in told) == (1, True)


async def test_connect_listens_itself(
    embedded: EmbeddedProfile, store: SealedCredentials, server: AuthorizationServer
) -> None:
    """Other requests, and those with another state, change nothing; then the credential works."""
    process = await begun(embedded, "connect", *WHERE, "--listen", "0")
    assert process.stderr is not None
    lines = [(await asyncio.wait_for(process.stderr.readline(), 60)).decode().strip() for _ in range(3)]
    async with httpx.AsyncClient() as browser:
        back = (await browser.get(lines[2])).headers["location"]
        for wrong in (back.replace("state=", "state=x"), back.replace("/callback", "/other")):
            assert (await browser.get(wrong)).status_code == 404
        assert (await browser.get(back)).status_code == 200
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err
    assert b"connected" in out
    assert b"CANARY" not in out + err
    assert (await store.get(*WHERE))["oauthTokenData"]["access_token"]


async def test_a_credential_is_tried(
    embedded: EmbeddedProfile, store: SealedCredentials, server: AuthorizationServer
) -> None:
    """A type with an address of its own; one for which no test is known; the egress guard holds here, too."""
    await store.put("acme", "n8nApi", "good", {"apiKey": "CANARY-k", "baseUrl": f"{server.url}/open"})
    await store.put("acme", "n8nApi", "bad", {"apiKey": "CANARY-k", "baseUrl": f"{server.url}/shut"})
    await store.put("acme", "n8nApi", "inner", {"apiKey": "CANARY-k", "baseUrl": "http://127.0.0.1:1"})
    code, told = await verb(embedded, "test", "acme", "n8nApi", "good")
    assert (code, told) == (0, f"GET {server.host} answered 200\n")
    for name, words in (("bad", "does not accept the credential: HTTP status 401"), ("inner", "127.0.0.1")):
        code, told = await verb(embedded, "test", "acme", "n8nApi", name)
        assert (code, words in told, "CANARY" in told) == (1, True, False), told
    code, told = await verb(embedded, "test", *WHERE)
    assert (code, "No test is known" in told) == (1, True)


async def test_an_account_is_tried_at_an_address(
    embedded: EmbeddedProfile, store: SealedCredentials, server: AuthorizationServer
) -> None:
    """An expired token is renewed and kept; an account that is gone is told with the command that connects it."""
    url = ("--url", f"{server.url}/api")
    code, told = await verb(embedded, "test", *WHERE, *url)
    assert (code, "tempor8 credentials connect acme oAuth2Api 'verb'" in told) == (1, True), told
    await store.put(*WHERE, server.connected())
    for _ in range(2):
        code, told = await verb(embedded, "test", *WHERE, *url)
        assert (code, told) == (0, f"GET {server.host} answered 200\n")
    assert (server.refreshes, server.reused) == (1, 0)


async def test_a_mail_server_that_is_not_there_is_told(
    embedded: EmbeddedProfile, store: SealedCredentials, server: AuthorizationServer
) -> None:
    """The vendor's port is open and speaks no mail; another one is closed by the guard."""
    host, _, port = server.host.partition(":")
    fields = {"host": host, "port": int(port), "user": "u", "password": "CANARY-p", "secure": True}
    for type_ in ("smtp", "imap"):
        for used in (fields, {**fields, "port": 1}):
            await store.put("acme", type_, "mail", used)
            code, told = await verb(embedded, "test", "acme", type_, "mail")
            assert (code, "CANARY" in told, "Traceback" in told) == (1, False, False), told
            assert told.strip()


@pytest.mark.parametrize("as_text", [False, True])
async def test_an_account_of_an_n8n_is_renewed_although_its_export_has_no_addresses(
    embedded: EmbeddedProfile, store: SealedCredentials, server: AuthorizationServer, tmp_path: Path, as_text: bool
) -> None:
    """n8n hides the addresses of a type in its form, and exports what was filled in. Older exports have the token as text."""
    token = server.connected()["oauthTokenData"]
    data = {
        "url": server.url, "clientId": CLIENT[0], "clientSecret": CLIENT[1], "oauthTokenData": json.dumps(token) if as_text else token,
    }  # fmt: skip
    export = tmp_path / "export.json"
    export.write_text(json.dumps([{"type": "gristOAuth2Api", "name": "imported", "data": data}]), encoding="utf-8")
    code, told = await verb(embedded, "import", "acme", str(export))
    assert code == 0, told
    code, told = await verb(embedded, "test", "acme", "gristOAuth2Api", "imported", "--url", f"{server.url}/api")
    assert (code, told) == (0, f"GET {server.host} answered 200\n")
    kept = await store.get("acme", "gristOAuth2Api", "imported")
    assert kept["oauthTokenData"]["refresh_token"] != token["refresh_token"]
    assert "accessTokenUrl" not in kept  # what the type knows is not copied into the credential
