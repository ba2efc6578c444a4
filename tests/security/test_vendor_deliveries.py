"""Whatever comes to the address of a vendor's trigger is answered, and starts no run unless its signature is right."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from runtime.catalog import CATALOG
from runtime.integrations.triggers.webhook_trigger import WebhookTrigger
from schemas.delivery import Delivery

DEEP: Final[list[Any]] = []
for _ in range(200):
    DEEP[:] = [list(DEEP)]
TEXTS: Final = (
    "", "\0", "\ud83d", "é", "x" * 50_000, "9" * 400, "1e999", "NaN", "t=1,v1=", "t=" + "9" * 400 + ",v1=x", "," * 50_000, "t=,v1=" * 8_000,
    "sha256=" + "0" * 64, "Basic ", "Basic " + "=" * 9_000, "Basic \xff", "a\r\nb: c", "<script>alert(1)</script>", "{{ 7 * 7 }}", "$credential",
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    *TEXTS,
    None,
    True,
    -1,
    1e308,
    10**400,
    [],
    {},
    [None],
    {"": {}},
    DEEP,
    {"__proto__": 1},
    [[{}]] * 1_000,
)
NAMES: Final = (
    "type", "challenge", "event", "events", "data", "payload", "object", "entry", "changes", "value", "messages", "message", "update_id",
    "form_response", "rawRequest", "hub.mode", "hub.verify_token", "hub.challenge", "token", "validationToken", "webhookEvent", "issue", "files",
)  # fmt: skip
"""Members of bodies and queries that some trigger reads."""
HEADERS: Final = (
    "authorization", "x-slack-signature", "x-slack-request-timestamp", "x-telegram-bot-api-secret-token", "x-hub-signature-256", "stripe-signature",
    "linear-signature", "x-twilio-signature", "typeform-signature", "x-shopify-hmac-sha256", "x-hubspot-signature-v3", "x-hubspot-request-timestamp",
    "x-wc-webhook-signature", "x-wc-webhook-topic", "x-webflow-signature", "x-webflow-timestamp", "x-hook-secret", "x-hook-signature",
    "x-cal-signature-256", "content-type",
)  # fmt: skip
SECONDS: Final = 0.5
"""Processor time for one delivery: they are checked on the loop, or on a thread that others need."""
SECRET: Final = "a-secret-of-the-credential"
CREDENTIAL: Final = dict.fromkeys(
    ("clientSecret", "signatureSecret", "signingSecret", "authToken", "appSecretKey", "sharedSecret", "apiKey", "password", "user"), SECRET
)  # fmt: skip
STATE: Final = {"webhookSecret": "a-secret-of-the-registration", "secret": "a-secret-of-the-registration"}
"""What registrations remember; hostile values stand in the place of what a vendor answered."""


def triggers() -> list[tuple[str, float, Any]]:
    """Return every trigger that is registered at a vendor, in its newest version."""
    found = []
    for type_ in CATALOG.types():
        for version in sorted(CATALOG.versions(type_))[-1:]:
            declared = CATALOG.find(type_, version, {})
            if declared is not None and issubclass(type(declared.bind({}, version)), WebhookTrigger):
                found.append((type_, version, declared.bind({}, version)))
    return found


TRIGGERS: Final = triggers()


def delivered(
    method: str, body: Any, raw: bytes, query: Mapping[str, Any], headers: Mapping[str, str], state: Mapping[str, Any]
) -> Delivery:
    """Return a delivery to a registered trigger."""
    return Delivery(
        method=method, url="https://service.example/webhook/acme/x", query=query, headers=headers, raw=raw, body=body,
        now=time.time() * 1000, registration="word-of-the-registration", node_id="node", state=state, credential=CREDENTIAL,
    )  # fmt: skip


def deliveries() -> Iterator[tuple[str, Delivery]]:
    """Hostile deliveries by their description."""
    for method in ("GET", "POST", "HEAD", "DELETE", "x"):
        for value in VALUES:
            yield f"{method}: body {value!r:.40}", delivered(method, value, b"\xff\x00", {}, {}, STATE)
    for name in NAMES:
        for value in VALUES:
            yield f"{name} in the body: {value!r:.40}", delivered("POST", {name: value}, b"{}", {}, {}, STATE)
            yield f"{name} in the query: {value!r:.40}", delivered("GET", None, b"", {name: value}, {}, STATE)
    for name in HEADERS:
        for value in TEXTS:
            yield f"{name}: {value!r:.40}", delivered("POST", {"a": 1}, b'{"a":1}', {}, {name: value}, STATE)
    for value in VALUES:
        yield (
            f"state: {value!r:.40}",
            delivered("POST", {}, b"{}", {}, {}, dict.fromkeys(("secret", "webhookSecret", "token"), value)),
        )


def test_there_are_triggers() -> None:
    assert len(TRIGGERS) >= 18


@pytest.mark.parametrize(("type_", "version", "trigger"), TRIGGERS, ids=[type_ for type_, _, _ in TRIGGERS])
@pytest.mark.timeout(120)
def test_a_hostile_delivery_is_answered_and_starts_nothing_unsigned(type_: str, version: float, trigger: Any) -> None:
    """In little time; the answer says nothing of a secret."""
    signed, wrong = trigger.verifies_deliveries(version), []
    for what, delivery in deliveries():
        began = time.thread_time()
        answer = trigger.receive(delivery, version)
        if time.thread_time() - began > SECONDS:
            wrong.append((what, "slow"))
        if signed and answer.items is not None and delivery.state is STATE:
            wrong.append((what, f"a run of {answer.items!r:.80}"))
        if any(secret in repr(answer) for secret in ("a-secret-of-the", "word-of-the-registration")):
            wrong.append((what, f"a secret: {answer!r:.200}"))
        if not 200 <= answer.status < 600:
            wrong.append((what, str(answer.status)))
    assert wrong == []
