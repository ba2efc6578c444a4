"""One list of the shapes of secrets: what is masked in logs is masked in reports."""

import json

import pytest

from schemas.redact import MASK, MAX_CHARACTERS, is_secret_name, looks_secret, redact, redact_json

HEX = "0123456789abcdef" * 4
REPORTED = (
    "sk-canary1canary2canary3",
    "ghp_canary1canary2canary3",
    "AKIACANARY1CANARY2",
    "patCANARYcanary12.0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Bearer canary.canary.canary",
    "Basic Y2FuYXJ5OmNhbmFyeQ==",
    "postgresql://user:canary@host/db",
    "http://u:p@host.example",
    "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
    "12345678:AAcanarycanarycanarycanarycanarycanary",
    "t8_acme_" + "0a" * 24,
)
"""Shapes that an author is warned of."""
MASKED = (
    "sk-canarycanarycanarycanary",
    "sk_canarycanarycanarycanary",
    "rk.canarycanarycanarycanary",
    "xoxb-canarycanarycanarycanary",
    "hvs.canary1234567890123456",
    "s.canary1234567890123456",
    "authorization: bearer canary.canary",
    "Bearer canary12",
    "basic Q2FuYXJ5",
    "redis://:canary@host",
    'password="canarycanary"',
    "api_key: canarycanary",
    "passphrase=canarycanary",
    "private-key=canarycanary",
)
"""Shapes that are masked only: placeholders and prose have them, too."""
NAMES = (
    "password", "passwd", "passphrase", "SMTP_PASS", "secret", "client_secret", "token", "access_token", "auth-token",
    "apiKey", "x-api-key", "Authorization", "set-cookie", "credentials", "private_key", "master_key", "access-key", "dsn",
    "DATABASE_URL",
)  # fmt: skip


@pytest.mark.parametrize("text", REPORTED)
def test_a_certain_secret_is_masked_everywhere_and_reported(text: str) -> None:
    assert MASK in redact(f"x {text} y")
    assert redact(f"x {text} y").startswith("x ")
    assert redact(f"x {text} y").endswith("y")
    assert MASK in json.dumps(redact_json({"deep": [f"x {text} y"]}), ensure_ascii=False)
    assert looks_secret(f"x {text} y")


@pytest.mark.parametrize("text", MASKED)
def test_what_may_be_a_placeholder_is_masked_and_not_reported(text: str) -> None:
    assert MASK in redact(f"x {text} y")
    assert "canary" not in redact_json(f"x {text} y").lower()
    assert not looks_secret(f"x {text} y")


@pytest.mark.parametrize("name", NAMES)
def test_a_field_with_the_name_of_a_secret_is_masked_whatever_it_holds(name: str) -> None:
    assert is_secret_name(name)
    assert redact_json({name: {"any": 1}}) == {name: MASK}


@pytest.mark.parametrize(
    "value",
    [
        {"idempotency_key": "a-b"},
        {"template_key": "x"},
        {"tokens": 12},
        "a sentence about tokens: none",
        "Unexpected token: something",
        "Basic settings, basic LLM chain",
        "https://{{ $json.user }}:{{ $json.password }}@host",
    ],
)
def test_what_is_no_secret_stays(value: object) -> None:
    assert redact_json(value) == value


def test_hashes_are_masked_in_reports_and_stay_in_logs() -> None:
    assert redact(f"id {HEX}") == f"id {MASK}"
    assert redact_json({"plan": HEX}) == {"plan": HEX}
    assert redact_json(f"Bearer {HEX}") == f"Bearer {MASK}"


def test_text_after_a_secret_of_two_shapes_is_kept() -> None:
    assert redact("Bearer sk-canary1canary2canary3 and more words after it") == f"Bearer {MASK} and more words after it"


def test_a_long_text_is_cut_and_what_is_nested_too_deep_is_masked() -> None:
    assert redact("a " * MAX_CHARACTERS) == "a " * (MAX_CHARACTERS // 2) + "…"
    assert redact_json({"a": {"b": {}}}, depth=1) == {"a": MASK}
