"""Tokens of an identity provider with a key set: rotation, the kinds of keys, and the ways in which a token does not get in."""

import asyncio
import json
import time
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from api.problems import Unauthorized
from api.tokens import Tokens
from runtime.platform import jwks
from runtime.platform.jwks import Jwks, JwksUnavailable
from runtime.platform.settings import Settings, SettingsError
from tests.patience import PATIENCE

RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, private=True)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, private=True)
with warnings.catch_warnings():  # joserfc warns about what this is to be: too short
    warnings.simplefilter("ignore")
    SHORT = RSAKey.generate_key(1024, {"kid": "short"}, private=True)
KEYS: dict[str, Any] = {"rsa": RSA, "ec": EC, "ed": ED, "short": SHORT}
CLAIMS = {"iss": "https://id", "aud": "tempor8"}
ISSUER = {"TEMPOR8_JWT_ISSUER": "https://id", "TEMPOR8_JWT_AUDIENCE": "tempor8"}


class Clock:
    """The clock of the key set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Provider:
    """A provider whose key set can change and be away; counts how often it is asked."""

    def __init__(self, *kids: str) -> None:
        self.keys = [KEYS[kid].as_dict(private=False) for kid in kids]
        self.asked, self.away = 0, False
        self.answers = asyncio.Event()
        self.answers.set()

    async def read(self) -> bytes:
        self.asked += 1
        await self.answers.wait()
        if self.away:
            raise httpx.ConnectError("away")
        return json.dumps({"keys": self.keys}).encode()

    def tokens(self) -> Tokens:
        return Tokens(None, Jwks(self.read, "test"), issuer="https://id", audience="tempor8", tenant_claim="tenant_id")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still."""
    made = Clock()
    monkeypatch.setattr("runtime.platform.jwks.time", made)
    return made


def signed(kid: str | None, algorithm: str, key: Any = None, **claims: Any) -> str:
    header = {"alg": algorithm} | ({"kid": kid} if kid is not None else {})
    body = {"tenant_id": "acme", "exp": int(time.time()) + 60, **CLAIMS, **claims}
    return jwt.encode(header, body, key or KEYS[kid or "rsa"], algorithms=[algorithm])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # for its new name; providers still say EdDSA
@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA"), ("ed", "Ed25519")])
async def test_each_kind_of_key_verifies_its_algorithm(kid: str, algorithm: str) -> None:
    assert (await Provider("rsa", "ec", "ed").tokens().verify(signed(kid, algorithm))).tenant == "acme"


@pytest.mark.parametrize(
    ("kid", "algorithm", "key"),
    [
        ("rsa", "RS384", RSA),
        ("rsa", "PS256", RSA),
        ("short", "RS256", SHORT),  # 1,024 bits
        ("ec", "HS256", OctKey.import_key("0" * 32)),
        ("rsa", "ES256", EC),  # another kind of key than the set has under this kid
        ("ec", "ES256", ECKey.generate_key("P-256", private=True)),
        (None, "RS256", RSA),
        ("unknown", "RS256", RSA),
    ],
)
async def test_another_algorithm_or_another_key_is_refused(kid: str | None, algorithm: str, key: Any) -> None:
    with pytest.raises(Unauthorized):
        await Provider("rsa", "ec", "short").tokens().verify(signed(kid, algorithm, key))


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "RS512"}, {"n": "!"}, {"kty": "oct", "k": "AAAA"}, {"alg": ["RS256"]}]
)
async def test_a_key_that_is_not_for_signatures_verifies_none(change: dict[str, str]) -> None:
    provider = Provider("rsa")
    provider.keys[0].update(change)
    with pytest.raises(Unauthorized):
        await provider.tokens().verify(signed("rsa", "RS256"))


@pytest.mark.parametrize("claims", [{"iss": "https://other"}, {"aud": "other"}, {"exp": 1}, {"tenant_id": "a:b"}])
async def test_a_token_for_others_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await Provider("rsa").tokens().verify(signed("rsa", "RS256", **claims))


async def test_a_new_key_is_found_at_once_and_a_withdrawn_one_is_refused_when_the_set_is_read_again(
    clock: Clock,
) -> None:
    provider = Provider("rsa")
    tokens = provider.tokens()
    await tokens.verify(signed("rsa", "RS256"))
    clock.now += jwks.UNKNOWN_KEY_SECONDS
    provider.keys = [EC.as_dict(private=False)]
    assert (await tokens.verify(signed("ec", "ES256"))).tenant == "acme"
    assert provider.asked == 2
    with pytest.raises(Unauthorized):
        await tokens.verify(signed("rsa", "RS256"))


async def test_tokens_with_made_up_key_ids_do_not_make_us_ask_the_provider_at_their_pace(clock: Clock) -> None:
    del clock
    provider = Provider("rsa")
    tokens = provider.tokens()
    for i in range(20):
        with pytest.raises(Unauthorized):
            await tokens.verify(signed(f"made-up-{i}", "RS256", RSA))
    assert provider.asked == 1


async def test_the_set_is_used_while_the_provider_is_away_and_for_a_day_at_most(clock: Clock) -> None:
    provider = Provider("rsa")
    tokens = provider.tokens()
    await tokens.verify(signed("rsa", "RS256"))
    provider.away = True
    clock.now += jwks.FRESH_SECONDS + 1
    assert (await tokens.verify(signed("rsa", "RS256"))).tenant == "acme"
    clock.now += jwks.STALE_SECONDS
    with pytest.raises(JwksUnavailable):
        await tokens.verify(signed("rsa", "RS256"))


async def test_without_any_set_a_token_is_neither_good_nor_bad(clock: Clock) -> None:
    """The provider is asked again only after a pause."""
    provider = Provider("rsa")
    provider.away = True
    tokens = provider.tokens()
    for _ in range(3):
        with pytest.raises(JwksUnavailable):
            await tokens.verify(signed("rsa", "RS256"))
    assert provider.asked == 1
    provider.away = False
    clock.now += jwks.UNKNOWN_KEY_SECONDS
    await tokens.verify(signed("rsa", "RS256"))


async def test_who_has_a_key_does_not_wait_for_a_provider_that_hangs(clock: Clock) -> None:
    """Neither when the set is to be read again, nor while the provider is away; what is read beside counts from then on."""
    provider = Provider("rsa")
    tokens = provider.tokens()
    token = signed("rsa", "RS256")
    await tokens.verify(token)
    provider.answers.clear()
    clock.now += jwks.REFRESH_SECONDS + 1
    for _ in range(3):
        await asyncio.wait_for(tokens.verify(token), PATIENCE)
    await asyncio.sleep(0)  # the reading beside begins
    assert provider.asked == 2
    provider.away = True
    provider.answers.set()
    await asyncio.sleep(0)
    provider.answers.clear()
    clock.now += jwks.FRESH_SECONDS
    await asyncio.wait_for(tokens.verify(token), PATIENCE)
    await asyncio.sleep(0)
    assert provider.asked == 3
    provider.away, provider.keys = False, [EC.as_dict(private=False)]
    provider.answers.set()
    await asyncio.sleep(0.01)
    with pytest.raises(Unauthorized):
        await tokens.verify(token)


async def test_a_caller_that_goes_away_takes_nothing_from_the_others(clock: Clock) -> None:
    """They wait for the same answer of the provider, which is asked once."""
    del clock
    provider = Provider("rsa")
    tokens = provider.tokens()
    provider.answers.clear()
    callers = [asyncio.ensure_future(tokens.verify(signed("rsa", "RS256"))) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    provider.answers.set()
    assert [(await each).tenant for each in callers[1:]] == ["acme", "acme"]
    assert provider.asked == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 5}', '{"keys": [5]}', '{"keys": {"a": 1}}', "\xff"])
async def test_what_is_no_key_set_is_none(text: str) -> None:
    async def read() -> bytes:
        return text.encode("latin-1")

    with pytest.raises(JwksUnavailable):
        await Jwks(read, "test").key("rsa")


async def test_a_set_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(await Provider("ec").read())
    tokens = Tokens.of(Settings.load({"TEMPOR8_JWKS_FILE": str(path), **ISSUER}))
    assert tokens is not None
    assert (await tokens.verify(signed("ec", "ES256"))).tenant == "acme"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "needs TEMPOR8_JWT_ISSUER and TEMPOR8_JWT_AUDIENCE"),
        ({"TEMPOR8_JWT_ISSUER": "https://id"}, "needs TEMPOR8_JWT_ISSUER and TEMPOR8_JWT_AUDIENCE"),
        ({**ISSUER, "TEMPOR8_JWT_KEY": "0" * 32}, "one of them"),
        ({**ISSUER, "TEMPOR8_JWKS_FILE": "/x"}, "one of them"),
        ({**ISSUER, "TEMPOR8_JWKS_URL": "http://id.example/jwks"}, "https"),
        ({**ISSUER, "TEMPOR8_JWKS_URL": "file:///etc/passwd"}, "https"),
    ],
)
def test_settings_that_would_take_foreign_tokens_are_refused_at_the_start(more: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.load({"TEMPOR8_JWKS_URL": "https://id.example/jwks", **more})
