"""The ten templates: what they are made of, and each run to its end against vendors that check what they are sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.testing.suite import CaseFile, run_file
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.hosts.local.host import run_local
from runtime.interpreter.execution import Execution
from runtime.interpreter.run_info import RunInfo
from schemas.outcome import Finished
from tests.unit.templates.vendors import People, Vendors

FOLDER = Path(__file__).parents[3] / "n8n_exports"
KEYS = sorted(path.stem for path in FOLDER.glob("*.json"))
TEN = [
    "ai_customer_onboarding", "ai_lead_qualification", "amazon_spapi_sourcing", "campaign_optimization",
    "content_generation", "customer_support_triage", "ecommerce_product_research", "email_marketing_automation",
    "linkedin_outreach_ai", "subscription_management",
]  # fmt: skip
STATUS = {
    "ai_customer_onboarding": "onboarded", "ai_lead_qualification": "qualified", "amazon_spapi_sourcing": "sourced",
    "campaign_optimization": "applied", "content_generation": "published", "customer_support_triage": "closed",
    "ecommerce_product_research": "researched", "email_marketing_automation": "sent", "linkedin_outreach_ai": "done",
    "subscription_management": "paused",
}  # fmt: skip
"""What the sample comes to."""
DAYS = {
    "ai_customer_onboarding": 3, "campaign_optimization": 3, "customer_support_triage": 3,
    "email_marketing_automation": 2, "linkedin_outreach_ai": 3, "subscription_management": 14,
}  # fmt: skip
"""Whole days of durable waiting at least, for the sample."""
DUPLICATE = {"linkedin_outreach_ai": "Nobody new"}


def read(key: str) -> dict[str, Any]:
    """A template."""
    export: dict[str, Any] = json.loads((FOLDER / f"{key}.json").read_text("utf-8"))
    return export


def sample(key: str) -> Any:
    """Its sample input."""
    return json.loads((FOLDER / "samples" / f"{key}.json").read_text("utf-8"))


def start_of(export: dict[str, Any]) -> str:
    """The name of its sub-workflow start."""
    return next(str(each["name"]) for each in export["nodes"] if each["type"].endswith(".executeWorkflowTrigger"))


async def run(
    export: dict[str, Any], vendors: Vendors, item: Any, waited: list[float] | None = None, execution_id: str = "1"
) -> tuple[Execution, Finished]:
    """Run a template without its pinned data: only the people answer as it says, and time passes at once."""

    async def sleep(seconds: float) -> None:
        if waited is not None:
            waited.append(seconds)

    compilation = compile_export({**export, "pinData": {}}, file="template.json", catalog=CATALOG)
    assert compilation.plan is not None
    host = People(CATALOG, vendors, pins=export["pinData"], sleep=sleep, library=_sub)
    info = RunInfo(execution_id=execution_id)
    return await run_local(
        compilation.plan, host, info, [{"json": item}], start=compilation.plan.step[start_of(export)]
    )


def _sub(reference: Any) -> Any:
    return compile_export(reference["export"], file="sub.json", catalog=CATALOG).plan


def last(execution: Execution, name: str) -> Any:
    """The first item that a node gave last."""
    items = execution.engine.runs[name][-1]["outputs"][0]
    assert items
    return items[0]["json"]


def test_all_ten_are_there() -> None:
    assert KEYS == TEN


CASES = sorted((FOLDER / "cases").rglob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_case_passes(path: Path) -> None:
    """As `tempor8 test n8n_exports/cases` runs it."""
    result = run_file(CaseFile(path, None))
    assert result.passed, "\n".join(result.differences)


@pytest.mark.parametrize("key", KEYS)
def test_nothing_is_warned_of(key: str) -> None:
    """No finding but what is known: Stripe's webhook has no key, and its event is read back from Stripe."""
    compilation = compile_export(read(key), file=f"{key}.json", catalog=CATALOG)
    found = {each.code for each in compilation.diagnostics if each.level != "info"}
    assert found == ({"N8T702"} if key == "subscription_management" else set())


@pytest.mark.parametrize("key", KEYS)
async def test_the_sample_runs_to_its_end_against_vendors(key: str) -> None:
    """Every parameter of every step on the way is one that the vendor takes; days are waited, not shortened."""
    export, waited = read(key), list[float]()
    vendors = Vendors(export)
    execution, finished = await run(export, vendors, sample(key), waited)
    parked = [last(execution, name) for name in ("Needs a person",) if execution.engine.runs.get(name)]
    assert (finished.status, finished.error, parked) == ("success", None, []), vendors.requests[-3:]
    assert last(execution, "Result")["status"] == STATUS[key], vendors.requests[-3:]
    assert vendors.unknown == []
    assert sum(waited) >= DAYS.get(key, 0) * 86400


@pytest.mark.parametrize("key", KEYS)
async def test_a_second_delivery_calls_no_vendor(key: str) -> None:
    """The ledger lasts longer than the run: the same case again is a duplicate, and nobody is written to."""
    export = read(key)
    vendors = Vendors(export)
    await run(export, vendors, sample(key))
    before = len(vendors.requests), len(vendors.mails)
    execution, finished = await run(export, vendors, sample(key), execution_id="1.again")  # of one store
    assert finished.status == "success"
    assert last(execution, DUPLICATE.get(key, "Duplicate"))["status"] == "duplicate"
    assert (len(vendors.requests), len(vendors.mails)) == before


@pytest.mark.parametrize("key", KEYS)
async def test_a_model_that_is_away_ends_at_a_person(key: str) -> None:
    """No template fails because a vendor does: a person is told by mail, with the step."""
    export = read(key)
    vendors = Vendors(export, refuses=["api.openai.com"])
    execution, finished = await run(export, vendors, sample(key))
    assert finished.status == "success", finished.error
    assert last(execution, "Result")["status"] == "needs_person"
    assert any("needs a person" in subject for _, subject, _ in vendors.mails)


@pytest.mark.parametrize("key", KEYS)
def test_metadata_is_complete(key: str) -> None:
    """Description, duration, source, credentials of every node, agents of every node, sample, cases of all four kinds."""
    export = read(key)
    meta = export["meta"]["tempor8"]
    notes = [str(each.get("notes", "")) for each in export["nodes"]]
    agents = sorted({note.removeprefix("agent: ") for note in notes if note.startswith("agent: ")})
    types = {type_ for each in export["nodes"] for type_ in each.get("credentials") or {}}
    assert meta["agents"] == agents
    assert types <= {each["type"] for each in meta["credentials"]}
    assert meta["description"]
    assert meta["source"]
    assert meta["duration_s"] > 0
    assert meta["sample"] == sample(key)
    cases = {path.stem for path in (FOLDER / meta["cases"]).glob("*.json")}
    assert {"vendor_failure", "refused", "duplicate", "invalid"} <= cases


@pytest.mark.parametrize("key", KEYS)
def test_no_two_nodes_lie_on_each_other(key: str) -> None:
    places = [(each["name"], each["position"]) for each in read(key)["nodes"] if "stickyNote" not in each["type"]]
    close = [
        (a, b)
        for n, (a, (x, y)) in enumerate(places)
        for b, (left, top) in places[n + 1 :]
        if abs(x - left) < 100 and abs(y - top) < 100
    ]
    assert close == []
