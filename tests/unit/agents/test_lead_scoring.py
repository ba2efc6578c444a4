"""The workflow of `tempor8 demo`, on the local host, with a model and a CRM that are the stand-in.

The expected results are what real n8n 2.41.1 gave for the same export, input and answers.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, calls, outputs, plan_of, run

ROOT = Path(__file__).parents[3]
EXPORT = json.loads((ROOT / "cli" / "demo" / "lead_scoring.json").read_text("utf-8"))
SAMPLE = json.loads((ROOT / "cli" / "demo" / "lead.json").read_text("utf-8"))
FORMAT = "format_final_json_response"
BRIEFING = {"summary": "s", "angle": "a", "questions": ["q"]}
RESULT = {
    "status": "qualified",
    "email": "maria.keller@nordlicht-logistik.example",
    "company": "Nordlicht Logistik GmbH",
    "reasons": ["budget approved"],
    "next_action": "Call",
}


def judged(score: int, tier: str) -> dict[str, Any]:
    """The model's verdict."""
    verdict = {"score": score, "tier": tier, "reasons": ["budget approved"], "next_action": "Call"}
    return calls(FORMAT, {"output": verdict})


def sample(stand_in: StandIn, **lead: Any) -> dict[str, Any]:
    """The sample input, with the stand-in as CRM."""
    return {"lead_data": SAMPLE["lead_data"] | lead, "crm": {"base_url": stand_in.url}}


@pytest.mark.parametrize(
    ("score", "tier", "queue", "briefing"),
    [(82, "hot", "sales-today", BRIEFING), (55, "warm", "sales-week", {}), (12, "cold", "nurture", {})],
)
async def test_tiers(score: int, tier: str, queue: str, briefing: dict[str, Any]) -> None:
    """Each tier goes its way, is recorded in the CRM once, and ends in the same result as in n8n."""
    script = [judged(score, tier), calls(FORMAT, {"output": BRIEFING})]
    with StandIn(script=script) as stand_in:
        execution, finished = await run(EXPORT, World(stand_in), [sample(stand_in)], start="Start with a lead")
    assert finished.status == "success", finished.error
    contacts = [each for each in stand_in.requests if each.path == "/contacts"]
    requests = len(stand_in.requests) - len(contacts)
    expected = RESULT | {"score": score, "tier": tier, "queue": queue, "briefing": briefing}
    assert outputs(execution, "Result") == [[expected | {"crm_id": f"stand-in-{requests + 1}"}]]
    assert [each.body["queue"] for each in contacts] == [queue]
    agents = ["lead_qualification_specialist", "sales_intelligence_specialist"][: 2 if tier == "hot" else 1]
    assert [each["agent"] for each in execution.usage] == agents


async def test_rules_outrank_the_model() -> None:
    """A free mail address is never hot, whatever the model says."""
    with StandIn(script=[judged(95, "hot")]) as stand_in:
        items = [sample(stand_in, email="maria@gmail.com")]
        execution, _ = await run(EXPORT, World(stand_in), items, start="Start with a lead")
    result = outputs(execution, "Result")[0][0]
    assert (result["tier"], result["queue"]) == ("warm", "sales-week")
    assert "A free mail address is never hot" in result["reasons"]


async def test_no_mail_address() -> None:
    """Without an address nobody is asked and nothing is recorded."""
    with StandIn() as stand_in:
        execution, finished = await run(
            EXPORT, World(stand_in), [sample(stand_in, email="nope")], start="Start with a lead"
        )
    assert finished.last_node == "Rejected"
    assert outputs(execution, "Rejected")[0][0]["status"] == "rejected"
    assert stand_in.requests == []


async def test_from_the_form_without_a_crm() -> None:
    """A webhook's body is read as well, and without a CRM the lead is only scored."""
    with StandIn(script=[judged(55, "warm")]) as stand_in:
        items = [{"body": {"lead_data": SAMPLE["lead_data"]}}]
        execution, finished = await run(EXPORT, World(stand_in), items, start="Lead form")
    assert finished.status == "success", finished.error
    assert outputs(execution, "Result")[0][0]["crm_id"] == ""


def test_readable() -> None:
    """No two nodes lie on each other, and the run ends within the five minutes that are promised."""
    plan = plan_of(EXPORT)
    assert plan.settings.timeout_s == 300
    places = [step.position for step in plan.steps]
    close = [
        (a, b)
        for n, a in enumerate(places)
        for b in places[n + 1 :]
        if abs(a[0] - b[0]) < 100 and abs(a[1] - b[1]) < 100
    ]
    assert close == []
