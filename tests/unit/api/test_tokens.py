"""JSON web tokens: who gets in with one, and the ways in which one does not."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from api.problems import Unauthorized
from api.tokens import TokenError, Tokens, check_token
from runtime.platform.settings import Settings

SECRET = "0123456789abcdef0123456789abcdef"
RSA = RSAKey.generate_key(2048, private=True)
PUBLIC = RSA.as_pem(private=False).decode()


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, key or OctKey.import_key(SECRET), algorithms=[algorithm])


def verifier(**more: str) -> Tokens:
    tokens = Tokens.of(Settings.load({"TEMPOR8_JWT_KEY": SECRET, **more}))
    assert tokens is not None
    return tokens


def later() -> int:
    return int(time.time()) + 60


def test_without_a_key_in_the_settings_no_token_is_taken() -> None:
    assert Tokens.of(Settings.load({})) is None


def test_a_good_token_names_tenant_and_subject() -> None:
    token = signed({"tenant_id": "acme", "sub": "ada", "exp": later()})
    assert verifier().verify(token) == ("acme", "ada")


def test_a_good_token_of_a_key_pair_is_taken_with_the_public_key() -> None:
    token = signed({"tenant_id": "acme", "exp": later()}, RSA, "RS256")
    assert verifier(TEMPOR8_JWT_KEY=PUBLIC).verify(token) == ("acme", "")


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
    ],
)
def test_a_token_without_a_life_time_or_a_tenant_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        verifier().verify(signed(claims))


@pytest.mark.parametrize(("name", "value"), [("iss", "https://other"), ("aud", "other"), ("iss", None), ("aud", None)])
def test_a_token_of_another_issuer_or_for_another_audience_is_refused(name: str, value: str | None) -> None:
    strict = verifier(TEMPOR8_JWT_ISSUER="https://id", TEMPOR8_JWT_AUDIENCE="tempor8")
    good = {"tenant_id": "acme", "exp": later(), "iss": "https://id", "aud": ["tempor8", "more"]}
    assert strict.verify(signed(good)) == ("acme", "")
    with pytest.raises(Unauthorized):
        strict.verify(signed({key: each for key, each in (good | {name: value}).items() if each is not None}))


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
