"""JSON web tokens: who gets in with one, and the ways in which one does not."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from api.problems import Unauthorized
from api.tokens import TokenError, Tokens, check_token
from runtime.platform.settings import Settings, SettingsError
from service.api_keys import KeyScope

SECRET = "0123456789abcdef0123456789abcdef"
RSA = RSAKey.generate_key(2048, private=True)
NO_TENANTS = ("acme:evil", "..", "a/b", "acme\n", "acme\0", " acme", "-acme", "a" * 64, "ac\u0301me")
"""Texts that would be part of run ids, addresses and rows, and are no tenant's id."""
PUBLIC = RSA.as_pem(private=False).decode()


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, key or OctKey.import_key(SECRET), algorithms=[algorithm])


def handmade(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token with a right signature over a header that no library writes."""
    message = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)
    )
    signature = hmac.digest(SECRET.encode(), message.encode(), "sha256")
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def verifier(**more: str) -> Tokens:
    tokens = Tokens.of(Settings.load({"TEMPOR8_JWT_KEY": SECRET, **more}))
    assert tokens is not None
    return tokens


def later() -> int:
    return int(time.time()) + 60


def test_without_a_key_in_the_settings_no_token_is_taken() -> None:
    assert Tokens.of(Settings.load({})) is None


async def test_a_good_token_names_tenant_subject_and_scopes() -> None:
    token = signed({"tenant_id": "acme", "sub": "ada", "exp": later(), "scope": "openid read run"})
    caller = await verifier().verify(token)
    assert (caller.tenant, caller.subject) == ("acme", "ada")
    assert caller.scopes == {KeyScope.READ, KeyScope.RUN}
    assert 50 < caller.seconds_left <= 60


@pytest.mark.parametrize("scope", [None, "", "Read", "read,run", 5, {"read": True}, [["read"]]])
async def test_a_token_without_scopes_of_ours_may_do_nothing(scope: Any) -> None:
    claims = {"tenant_id": "acme", "exp": later()} | ({} if scope is None else {"scope": scope})
    assert (await verifier().verify(signed(claims))).scopes == frozenset()


async def test_a_good_token_of_a_key_pair_is_taken_with_the_public_key() -> None:
    token = signed({"tenant_id": "acme", "exp": later()}, RSA, "RS256")
    assert (await verifier(TEMPOR8_JWT_KEY=PUBLIC).verify(token)).tenant == "acme"


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant_id": "acme"},
        {"tenant_id": "acme", "exp": 1},
        {"tenant_id": "acme", "exp": 9_999_999_999, "nbf": 9_999_999_998},
        {"exp": 9_999_999_999},
        {"tenant_id": "*", "exp": 9_999_999_999},
        {"tenant_id": ["acme"], "exp": 9_999_999_999},
        {"tenant_id": "", "exp": 9_999_999_999},
        *({"tenant_id": name, "exp": 9_999_999_999} for name in NO_TENANTS),
    ],
)
async def test_a_token_without_a_life_time_or_a_tenant_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await verifier().verify(signed(claims))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["x"], "x": 1},
        {"crit": ["b64"], "b64": True},
        {"crit": []},
        {"crit": "exp"},
        {"b64": False},
        {"alg": "none"},
        {"alg": None},
        {"alg": ["HS256"]},
        {"kid": 5},
    ],
)
async def test_a_header_that_we_do_not_know_how_to_heed_is_a_refusal_and_no_fault(header: dict[str, Any]) -> None:
    """`crit` says that the receiver must understand what it names; an empty one is malformed (RFC 7515, 4.1.11)."""
    token = handmade({"alg": "HS256"} | header, {"tenant_id": "acme", "exp": later()})
    with pytest.raises(TokenError):
        check_token(token, SECRET)
    with pytest.raises(Unauthorized):
        await verifier().verify(token)


def test_an_empty_key_verifies_nothing() -> None:
    with pytest.raises(TokenError):
        check_token(signed({"exp": later()}), "")


@pytest.mark.parametrize("key", ["short", "0" * 31])
def test_a_shared_secret_that_can_be_tried_out_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(SettingsError, match=r"TEMPOR8_JWT_KEY: .*32 bytes"):
        Settings.load({"TEMPOR8_JWT_KEY": key})


@pytest.mark.parametrize(("name", "value"), [("iss", "https://other"), ("aud", "other"), ("iss", None), ("aud", None)])
async def test_a_token_of_another_issuer_or_for_another_audience_is_refused(name: str, value: str | None) -> None:
    strict = verifier(TEMPOR8_JWT_ISSUER="https://id", TEMPOR8_JWT_AUDIENCE="tempor8")
    good = {"tenant_id": "acme", "exp": later(), "iss": "https://id", "aud": ["tempor8", "more"]}
    assert (await strict.verify(signed(good))).tenant == "acme"
    with pytest.raises(Unauthorized):
        await strict.verify(signed({key: each for key, each in (good | {name: value}).items() if each is not None}))


def test_the_public_key_does_not_verify_a_token_that_was_signed_with_it_as_a_secret() -> None:
    forged = signed({"tenant_id": "acme", "exp": later()}, OctKey.import_key("x" * 64))
    with pytest.raises(TokenError):
        check_token(forged, PUBLIC)


def test_an_unsigned_token_is_refused() -> None:
    token = "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnRfaWQiOiJhY21lIiwiZXhwIjo5OTk5OTk5OTk5fQ."
    with pytest.raises(TokenError):
        check_token(token, SECRET)


def test_only_the_algorithm_that_was_asked_for_is_taken() -> None:
    token = signed({"a": 1}, algorithm="HS512")
    assert check_token(token, SECRET, "HS512") == {"a": 1}
    with pytest.raises(TokenError):
        check_token(token, SECRET, "HS256")


@pytest.mark.parametrize(
    ("token", "message"), [("abc", "jwt malformed"), ("a.b.c", "invalid token"), ("..", "invalid token")]
)
def test_what_is_no_token_is_refused_in_n8ns_words(token: str, message: str) -> None:
    with pytest.raises(TokenError) as caught:
        check_token(token, SECRET)
    assert str(caught.value) == message
