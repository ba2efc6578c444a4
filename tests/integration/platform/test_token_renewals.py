"""Renewals on real stores, against a server whose refresh tokens are good for once: one for all, and no new token is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest

from runtime.contract import HttpResponse
from runtime.http.credentials import CredentialError, ReconnectError
from runtime.http.exchange import Answer
from runtime.http.oauth2 import new_token
from runtime.http.oauth2_types import token_of
from runtime.http.request import Outgoing
from runtime.platform import token_renewals
from runtime.platform.credentials import CredentialStore, CredentialsUnavailable, StoredCredential
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.token_renewals import RenewalTimeout, TokenRefused, TokenRenewals
from tests.authorization_server import AuthorizationServer
from tests.integration.platform.test_credentials import bao, store

__all__ = ["bao", "store"]

KEY = ("acme", "oAuth2Api", "account")


async def send(outgoing: Outgoing) -> Answer:
    """Send a request."""
    async with httpx.AsyncClient() as client:
        content = outgoing.content if isinstance(outgoing.content, bytes) else None
        answer = await client.request(outgoing.method, outgoing.url, headers=outgoing.headers, content=content)
    return HttpResponse(answer.status_code, answer.reason_phrase, list(answer.headers.items()), answer.content)


async def ask(data: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the token server."""
    return await new_token(send, KEY[1], data)


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server."""
    with AuthorizationServer(delay=0.3) as running:
        yield running


@pytest.fixture
async def account(store: CredentialStore, server: AuthorizationServer, tenants: tuple[str, str]) -> Mapping[str, Any]:
    """A credential whose token has expired."""
    assert tenants[0] == KEY[0]
    data = server.connected()
    await store.put(*KEY, data)
    return data


@pytest.fixture
async def workers(
    service: Settings, keys: Keyring, database: Database, store: CredentialStore
) -> AsyncIterator[tuple[TokenRenewals, TokenRenewals]]:
    """Two workers, each with connections of its own."""
    assert service.database_url is not None
    async with Database(service.database_url.get_secret_value(), size=2, keys=keys) as other:
        yield TokenRenewals(database, store, token_of), TokenRenewals(other, store, token_of)


def expired(data: Mapping[str, Any]) -> str:
    """The access token of a credential."""
    return str(token_of(data)["access_token"])


async def test_a_hundred_steps_on_two_workers_ask_once(
    workers: tuple[TokenRenewals, TokenRenewals], account: Mapping[str, Any], server: AuthorizationServer
) -> None:
    """The second round begins with the token of the first."""
    refused = expired(account)
    for round_ in (1, 2):
        made = await asyncio.gather(*(workers[i % 2].renew(KEY, refused, ask) for i in range(100)))
        assert (server.refreshes, server.reused) == (round_, 0)
        tokens = {expired(each) for each in made}
        assert len(tokens) == 1
        refused = tokens.pop()
        server.expire()


async def test_a_step_that_comes_late_with_the_old_token_gets_the_new_one(
    workers: tuple[TokenRenewals, TokenRenewals], account: Mapping[str, Any], server: AuthorizationServer
) -> None:
    first = await workers[0].renew(KEY, expired(account), ask)
    assert await workers[1].renew(KEY, expired(account), ask) == first
    assert server.refreshes == 1


async def test_a_revoked_account_is_asked_for_once_and_works_when_it_is_connected_again(
    workers: tuple[TokenRenewals, TokenRenewals],
    account: Mapping[str, Any],
    store: CredentialStore,
    server: AuthorizationServer,
) -> None:
    server.revoke()
    made = await asyncio.gather(
        *(workers[i % 2].renew(KEY, expired(account), ask) for i in range(20)), return_exceptions=True
    )
    kinds = Counter(type(each) for each in made)
    assert set(kinds) <= {ReconnectError, TokenRefused}
    assert kinds[ReconnectError] >= 1
    assert "CANARY" not in str(made)
    with pytest.raises(TokenRefused):
        await workers[0].renew(KEY, expired(account), ask)
    await store.put(*KEY, server.connected())
    assert expired(await workers[0].renew(KEY, "CANARY-expired", ask)).startswith("CANARY-")


async def test_a_token_server_that_is_down_refuses_no_account(
    workers: tuple[TokenRenewals, TokenRenewals], account: Mapping[str, Any], server: AuthorizationServer
) -> None:
    server.status = 503
    with pytest.raises(CredentialError, match="The token server answered with HTTP status 503") as raised:
        await workers[0].renew(KEY, expired(account), ask)
    assert not isinstance(raised.value, ReconnectError)
    server.status = None
    assert expired(await workers[1].renew(KEY, expired(account), ask)) != expired(account)


async def test_a_step_that_is_cancelled_does_not_take_the_token_with_it(
    workers: tuple[TokenRenewals, TokenRenewals],
    account: Mapping[str, Any],
    store: CredentialStore,
    server: AuthorizationServer,
) -> None:
    """The old refresh token is used up by then."""
    step = asyncio.create_task(workers[0].renew(KEY, expired(account), ask))
    while not server.asked:
        await asyncio.sleep(0.01)
    step.cancel()
    await workers[0].close()
    assert server.refreshes == 1
    assert expired(await store.get(*KEY)) != expired(account)


class Flaky:
    """A store that is away for the first writes, and in which somebody writes `between`."""

    def __init__(self, store: CredentialStore, failures: int = 0, between: Mapping[str, Any] | None = None) -> None:
        self.store, self.failures, self.between = store, failures, between

    async def read(self, tenant: str, type_: str, name: str) -> StoredCredential:
        return await self.store.read(tenant, type_, name)

    async def replace(self, tenant: str, type_: str, name: str, data: Mapping[str, Any], version: str) -> bool:
        if self.failures:
            self.failures -= 1
            raise CredentialsUnavailable("away")
        if self.between is not None:
            await self.store.put(tenant, type_, name, self.between)
            self.between = None
        return await self.store.replace(tenant, type_, name, data, version)


async def test_a_new_token_waits_for_a_store_that_is_away(
    database: Database, account: Mapping[str, Any], store: CredentialStore
) -> None:
    flaky: Any = Flaky(store, failures=2)
    made = await TokenRenewals(database, flaky, token_of).renew(KEY, expired(account), ask)
    assert await store.get(*KEY) == made != account


async def test_what_the_owner_changes_meanwhile_stays(
    database: Database, account: Mapping[str, Any], store: CredentialStore
) -> None:
    flaky: Any = Flaky(store, between={**account, "allowedDomains": "x.example"})
    await TokenRenewals(database, flaky, token_of).renew(KEY, expired(account), ask)
    kept = await store.get(*KEY)
    assert kept["allowedDomains"] == "x.example"
    assert expired(kept) != expired(account)


async def test_an_account_that_is_connected_meanwhile_stays(
    database: Database, account: Mapping[str, Any], store: CredentialStore
) -> None:
    other = {**account, "oauthTokenData": {"access_token": "of another account"}}
    flaky: Any = Flaky(store, between=other)
    made = await TokenRenewals(database, flaky, token_of).renew(KEY, expired(account), ask)
    assert await store.get(*KEY) == made == other


async def hold(database: Database, seconds: float) -> None:
    """Let a worker that does not exist renew the token, for a while."""
    async with database.tenant_transaction(KEY[0]) as connection:
        await connection.execute(
            "insert into token_renewals (tenant_id, type, name, holder, held_until)"
            " values (%s, %s, %s, gen_random_uuid(), now() + make_interval(secs => %s)) on conflict (tenant_id, type, name)"
            " do update set holder = excluded.holder, held_until = excluded.held_until",
            (*KEY, seconds),
        )


async def test_another_worker_takes_over_from_one_that_died(
    workers: tuple[TokenRenewals, TokenRenewals], account: Mapping[str, Any], database: Database
) -> None:
    await hold(database, 1.0)
    assert expired(await workers[0].renew(KEY, expired(account), ask)) != expired(account)


async def test_nobody_waits_for_ever(
    workers: tuple[TokenRenewals, TokenRenewals],
    account: Mapping[str, Any],
    database: Database,
    server: AuthorizationServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The step fails as one does whose server is away, so that it is tried again."""
    monkeypatch.setattr(token_renewals, "WAIT_SECONDS", 0.5)
    await hold(database, 3.0)
    with pytest.raises(RenewalTimeout, match="'account'"):
        await workers[0].renew(KEY, expired(account), ask)
    assert server.refreshes == 0


async def test_one_tenant_sees_no_renewal_of_another(database: Database, account: Mapping[str, Any]) -> None:
    assert account
    await hold(database, 0.0)
    async with database.tenant_transaction("globex") as connection:
        cursor = await connection.execute("select 1 from token_renewals")
        assert await cursor.fetchone() is None
