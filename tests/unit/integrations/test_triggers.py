"""Triggers of vendors: what the compiler says of them, where they listen, and what a signature is."""

import hmac
import json
from typing import Any

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
from schemas.delivery import Answer, Delivery
from schemas.plan import Plan, Route

TELEGRAM = "n8n-nodes-base.telegramTrigger"
STRIPE = "n8n-nodes-base.stripeTrigger"
SENT = 1_772_442_000
"""Seconds since the epoch."""


def exported(type_: str, version: float, **parameters: Any) -> dict[str, Any]:
    """An export with one trigger."""
    node = {
        "id": "n1", "name": "Start", "type": type_, "typeVersion": version, "position": [0, 0], "webhookId": "hook",
        "parameters": parameters,
    }  # fmt: skip
    return {"name": "w", "nodes": [node], "connections": {}, "settings": {}}


def codes(export: dict[str, Any]) -> set[str]:
    """The codes of what the compiler says."""
    return {each.code for each in compile_export(export, file="w.json", catalog=CATALOG).diagnostics}


def plan_of(export: dict[str, Any]) -> Plan:
    """The plan, whatever is found."""
    plan = compile_export(export, file="w.json", catalog=CATALOG, lenient=True).plan
    assert plan is not None
    return plan


def test_an_expression_in_a_trigger_that_is_registered_is_refused() -> None:
    """There is no run whose data it could read when the vendor is told."""
    found = compile_export(exported(STRIPE, 1, events="={{ $json.events }}"), file="w.json", catalog=CATALOG)
    (told,) = [each for each in found.diagnostics if each.code == "N8T204" or "is registered before" in str(each.hint)]
    assert "a trigger is registered before there is a run" in f"{told.message} {told.hint}"


@pytest.mark.parametrize(
    ("version", "reported"),
    [pytest.param(1, True, id="version 1 checks nothing"), pytest.param(1.2, False, id="later ones check the secret")],
)
def test_a_trigger_whose_deliveries_anybody_can_send_is_reported(version: float, *, reported: bool) -> None:
    """As a webhook without authentication."""
    assert ("N8T702" in codes(exported(TELEGRAM, version, updates=["message"]))) is reported


def test_a_choice_that_is_not_supported_is_reported_with_what_to_do() -> None:
    export = exported("n8n-nodes-base.jiraTrigger", 1.1, events=["*"], authenticateWebhook=True)
    found = compile_export(export, file="w.json", catalog=CATALOG).diagnostics
    assert any("authenticateWebhook" in each.message for each in found), [each.message for each in found]


@pytest.mark.parametrize(
    ("type_", "methods"),
    [
        pytest.param(TELEGRAM, ["POST"], id="a vendor that delivers"),
        pytest.param("n8n-nodes-base.whatsAppTrigger", ["GET", "POST"], id="one that confirms the address first"),
    ],
)
def test_a_trigger_listens_below_its_webhooks_id(type_: str, methods: list[str]) -> None:
    """As in n8n, so that an address that the vendor knows already stays the same."""
    routes = plan_of(exported(type_, 1, updates=["messages"])).routes
    assert routes == tuple(Route(method=each, path="hook/webhook", node="Start", registers=True) for each in methods)


def test_a_webhook_node_is_written_as_before() -> None:
    """Plans of webhooks have the same hash as before there were triggers of vendors."""
    plan = plan_of(exported("n8n-nodes-base.webhook", 2, path="a"))
    assert "registers" not in json.loads(plan.canonical())["routes"][0]


def received(body: Any, header: str, *, state: dict[str, Any] | None = None, now: float = SENT) -> Answer:
    """What becomes of a delivery of Stripe."""
    step = plan_of(exported(STRIPE, 1, events=["*"])).step["Start"]
    declared = CATALOG.find(step.type, step.version, step.parameters)
    assert declared is not None
    raw = json.dumps(body).encode()
    delivery = Delivery(
        "POST", "https://x/webhook", {}, {"stripe-signature": header}, raw, body, now * 1000, "word", "n1",
        {"webhookSecret": "s"} if state is None else state,
    )  # fmt: skip
    return declared.bind(step.parameters, step.version).receive(delivery, step.version)


def signature(body: Any, key: str = "s", at: int = SENT) -> str:
    """The signature of a body under a key."""
    return hmac.new(key.encode(), f"{at}.{json.dumps(body)}".encode(), "sha256").hexdigest()


BODY = {"type": "charge.succeeded", "note": "Grüße"}


@pytest.mark.parametrize(
    ("header", "now", "accepted"),
    [
        pytest.param(f"t={SENT},v1={signature(BODY)}", SENT, True, id="the right key"),
        pytest.param(f"t={SENT},v1={signature(BODY, 'old')},v1={signature(BODY)}", SENT, True, id="one of two keys"),
        pytest.param(f"t={SENT},v1={signature(BODY)}", SENT + 299, True, id="five minutes old"),
        pytest.param(f"t={SENT},v1={signature(BODY)}", SENT + 301, False, id="older"),
        pytest.param(f"t={SENT},v1={signature(BODY)}", SENT - 301, False, id="from the future"),
        pytest.param(f"t={SENT + 1},v1={signature(BODY)}", SENT, False, id="another time than was signed"),
        pytest.param(f"t=soon,v1={signature(BODY)}", SENT, False, id="a time that is no number"),
        pytest.param(f"t=nan,v1={signature(BODY)}", SENT, False, id="a time that is no number of seconds"),
        pytest.param(f"t={SENT},v1={signature(BODY, 'guess')}", SENT, False, id="another key"),
        pytest.param(f"t={SENT},v1=", SENT, False, id="an empty signature"),
        pytest.param(f"t={SENT},v0={signature(BODY)}", SENT, False, id="a scheme that is no longer used"),
        pytest.param("", SENT, False, id="no header"),
    ],
)
def test_a_signature_is_of_the_body_and_of_now(header: str, now: float, *, accepted: bool) -> None:
    answer = received(BODY, header, now=now)
    assert (answer.items is not None, answer.status) == ((True, 200) if accepted else (False, 401))


def test_without_a_key_nothing_is_accepted() -> None:
    """Not even a body that is signed with an empty key."""
    header = f"t={SENT},v1={signature(BODY, '')}"
    assert received(BODY, header, state={}).status == 401


def test_a_delivery_of_another_structure_is_refused_in_words() -> None:
    """A function of a vendor's module may meet anything where nothing is signed."""
    step = plan_of(exported(TELEGRAM, 1, updates=["*"], additionalFields={"chatIds": "5"})).step["Start"]
    declared = CATALOG.find(step.type, 1.2, step.parameters)
    assert declared is not None
    headers = {"x-telegram-bot-api-secret-token": "word_n1"}
    delivery = Delivery("POST", "u", {}, headers, b"{}", {"message": {"chat": "x"}}, 0, "word", "n1", {})
    answer = declared.bind(step.parameters, 1.2).receive(delivery, 1.2)
    assert answer.status == 500
    assert "another structure" in (answer.error or "")
