"""The workflows of `tempor8 demo`, on the local host, with a model and vendors that are the stand-in.

The expected results are what real n8n 2.41.1 gave for the same exports, input and answers.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, calls, outputs, plan_of, run

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "cli" / "demo"
LEADS = json.loads((DEMO / "lead_scoring.json").read_text("utf-8"))
REFUNDS = json.loads((DEMO / "refund_approval.json").read_text("utf-8"))
LEAD = json.loads((DEMO / "lead.json").read_text("utf-8"))["lead_data"]
REFUND = json.loads((DEMO / "refund.json").read_text("utf-8"))["refund"]
FORMAT = "format_final_json_response"

FIT = "Fit: Nordlicht Logistik GmbH, 240 people in logistics (+25)"
AUTHORITY = "Authority: Head of Procurement (+25)"
NEED = 'Need: "We want to replace our warehouse software this quarter." (+25)'
APPROVED = "The budget is approved; two colleagues and I decide."


def quote(text: str) -> dict[str, Any]:
    """The model's answer: a sentence."""
    return calls(FORMAT, {"output": {"quote": text}})


@pytest.mark.parametrize(
    ("changes", "said", "expected"),
    [
        pytest.param(
            {},
            APPROVED,
            {
                "score": 100,
                "tier": "hot",
                "queue": "sales-today",
                "reasons": [FIT, AUTHORITY, NEED, f'Timing: "{APPROVED}" (+25)'],
                "next_action": f'Call Maria Keller within 4 hours and begin with their words: "{APPROVED}"',
            },
            id="the quoted sentence carries the timing and opens the call",
        ),
        pytest.param(
            {},
            "They will pay a million tomorrow.",
            {
                "score": 100,
                "tier": "hot",
                "queue": "sales-today",
                "reasons": [FIT, AUTHORITY, NEED, NEED.replace("Need", "Timing")],
                "next_action": "Call Maria Keller within 4 hours and begin with their words: "
                '"We want to replace our warehouse software this quarter."',
            },
            id="a quote that the lead did not write counts for nothing",
        ),
        pytest.param(
            {"email": "maria@gmail.com", "title": "Project manager"},
            APPROVED,
            {
                "score": 75,
                "tier": "hot",
                "queue": "sales-today",
                "reasons": [
                    "Fit: 240 people (+10)",
                    "Authority: Project manager can recommend (+15)",
                    NEED,
                    f'Timing: "{APPROVED}" (+25)',
                ],
                "next_action": f'Call Maria Keller within 4 hours and begin with their words: "{APPROVED}"',
            },
            id="a free mail address and a manager score less",
        ),
        pytest.param(
            {"message": "Please send your price list.", "title": ""},
            "Please send your price list.",
            {
                "score": 25,
                "tier": "cold",
                "queue": "nurture",
                "reasons": [FIT],
                "next_action": "Send Maria Keller the newsletter; nobody has to call",
            },
            id="a message without need or timing is cold",
        ),
        pytest.param(
            {"message": ""},
            "",
            {
                "score": 50,
                "tier": "warm",
                "queue": "sales-week",
                "reasons": [FIT, AUTHORITY],
                "next_action": "Write to Maria Keller this week and ask what they need and by when",
            },
            id="an empty message is scored by the company alone",
        ),
    ],
)
async def test_lead(changes: dict[str, Any], said: str, expected: dict[str, Any]) -> None:
    """Rules score what the lead wrote, and the lead is entered in the CRM once."""
    with StandIn(script=[quote(said)]) as stand_in:
        items = [{"lead_data": LEAD | changes, "crm": {"base_url": stand_in.url}}]
        execution, finished = await run(LEADS, World(stand_in), items, start="Start with a lead")
    assert finished.status == "success", finished.error
    common = {"status": "qualified", "name": LEAD["name"], "company": LEAD["company"], "crm_id": "stand-in-2"}
    assert outputs(execution, "Result") == [[common | expected]]
    contacts = [each.body for each in stand_in.requests if each.path == "/contacts"]
    assert [(each["queue"], each["score"]) for each in contacts] == [(expected["queue"], expected["score"])]


async def test_a_model_that_fails() -> None:
    """Without an answer of the model the rules alone decide."""
    with StandIn(script=[{"status": 400, "message": "no"}, {"status": 400, "message": "no"}]) as stand_in:
        items = [{"lead_data": LEAD, "crm": {"base_url": stand_in.url}}]
        execution, finished = await run(LEADS, World(stand_in), items, start="Start with a lead")
    assert finished.status == "success", finished.error
    assert outputs(execution, "Result")[0][0]["score"] == 100


async def test_no_mail_address() -> None:
    """Without an address no model is asked and nothing is recorded."""
    with StandIn() as stand_in:
        items = [{"lead_data": LEAD | {"email": "nope"}}]
        execution, finished = await run(LEADS, World(stand_in), items, start="Start with a lead")
    assert finished.last_node == "Rejected"
    assert outputs(execution, "Rejected")[0][0]["status"] == "rejected"
    assert stand_in.requests == []


async def test_from_the_form_without_a_crm() -> None:
    """A webhook's body is read as well, and without a CRM the lead is only scored."""
    with StandIn(script=[quote(APPROVED)]) as stand_in:
        execution, finished = await run(LEADS, World(stand_in), [{"body": {"lead_data": LEAD}}], start="Lead form")
    assert finished.status == "success", finished.error
    assert outputs(execution, "Result")[0][0]["crm_id"] == ""


async def test_a_small_refund() -> None:
    """Up to the limit a refund is paid at once, without a question."""
    with StandIn() as stand_in:
        items = [_refund(stand_in, amount=100)]
        execution, finished = await run(REFUNDS, World(stand_in), items, start="Start with a request")
    assert finished.status == "success", finished.error
    paid = {"status": "paid", "order": "A-1017", "customer": "Jonas Weber", "amount": 100, "payment_id": "stand-in-1"}
    assert outputs(execution, "Paid") == [[paid]]
    assert [(each.path, each.body) for each in stand_in.requests] == [("/refunds", {"order": "A-1017", "amount": 100})]


@pytest.mark.parametrize("export", [LEADS, REFUNDS], ids=["leads", "refunds"])
def test_readable(export: dict[str, Any]) -> None:
    """No two nodes lie on each other."""
    places = [step.position for step in plan_of(export).steps]
    close = [
        (a, b)
        for n, a in enumerate(places)
        for b in places[n + 1 :]
        if abs(a[0] - b[0]) < 100 and abs(a[1] - b[1]) < 100
    ]
    assert close == []


def _refund(stand_in: StandIn, **changes: Any) -> dict[str, Any]:
    return {"refund": REFUND | changes, "desk": {"base_url": stand_in.url}, "payment": {"base_url": stand_in.url}}
