"""Tokens of Google service accounts: asked for once while they are valid, apart by tenant, key and scopes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from runtime.contract import HttpResponse
from runtime.contract.capabilities import AskForToken
from runtime.http.credentials import Credential, CredentialError
from runtime.http.oauth2 import service_account_token
from runtime.http.request import Outgoing
from runtime.platform import token_cache
from runtime.platform.token_cache import TokenCache

PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)


@dataclass
class Keeper:
    """A worker's memory, and a token server that counts."""

    tenant: str = "acme"
    cache: TokenCache = field(default_factory=TokenCache)
    seconds: Any = 3600
    asked: int = 0

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """Not for service accounts."""
        raise AssertionError(type_)

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """As a worker does."""
        return await self.cache.get(self.tenant, key, ask)

    async def send(self, outgoing: Outgoing) -> HttpResponse:
        """A token, another one each time."""
        assert outgoing.url == "https://oauth2.googleapis.com/token"
        self.asked += 1
        await asyncio.sleep(0)
        body = f'{{"access_token": "t{self.asked}", "expires_in": {self.seconds}}}'
        return HttpResponse(200, "OK", [("content-type", "application/json")], body.encode())

    async def get(self, **changes: Any) -> str:
        """Ask with the fields of a credential."""
        data = {"email": "a@b.example", "privateKey": PEM, "scopes": "one", **changes}
        return await service_account_token(self.send, Credential("googleApi", data, self), 0.0)


async def test_a_token_serves_every_step_while_it_is_valid() -> None:
    keeper = Keeper()
    assert set(await asyncio.gather(*(keeper.get() for _ in range(10)))) == {"t1"}
    assert await keeper.get() == "t1"


@pytest.mark.parametrize(
    "changes", [{"scopes": "two"}, {"email": "c@b.example"}, {"delegatedEmail": "boss@b.example", "inpersonate": True}]
)
async def test_another_question_is_another_token(changes: dict[str, Any]) -> None:
    keeper = Keeper()
    assert await keeper.get() != await keeper.get(**changes)


async def test_another_tenant_has_a_token_of_its_own() -> None:
    """Even for the same key: what one tenant revokes is no other's."""
    keeper = Keeper()
    first = await keeper.get()
    keeper.tenant = "globex"
    assert await keeper.get() != first


@pytest.mark.parametrize("seconds", ["null", '"soon"', 30])
async def test_a_token_of_unknown_or_short_life_is_used_once(seconds: object) -> None:
    keeper = Keeper(seconds=seconds)
    assert [await keeper.get(), await keeper.get()] == ["t1", "t2"]


async def test_a_failure_is_not_kept() -> None:
    keeper = Keeper()
    with pytest.raises(CredentialError):
        await keeper.get(privateKey="no key")
    with pytest.raises(CredentialError):
        await keeper.get(privateKey="no key")
    assert await keeper.get() == "t1"


async def test_old_tokens_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "MAX_TOKENS", 2)
    keeper = Keeper()
    for scope in ("a", "b", "c", "a"):
        await keeper.get(scopes=scope)
    assert keeper.asked == 4
