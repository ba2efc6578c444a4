"""Both examples of the service description, posted as they stand with the key as one header more, against vendors that check
what they are sent. The days that the first one waits for pass in `tests/integration/templates`.
"""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from runtime.hosts.temporal.capabilities.mail import WorkerMail
from tests.service import ended, eventually
from tests.unit.templates.test_templates import read
from tests.unit.templates.vendors import Vendors, credential

pytestmark = pytest.mark.usefixtures("worker")

ONBOARDING = {
    "workflow_template": "ai_customer_onboarding",
    "tenant_id": "acme",
    "user_id": "user_123",
    "input_data": {
        "customer_data": {"name": "Test Company", "email": "test@company.com"},
        "integrations": {"hubspot": True},
    },
}
SOURCING = {
    "workflow_template": "amazon_spapi_sourcing",
    "tenant_id": "acme",
    "user_id": "user_123",
    "input_data": {
        "categories": ["Electronics", "Home & Garden"],
        "price_range": {"min": 20, "max": 100},
        "classification": "hook_midtier_hero",
    },
}


async def begin(
    acme: httpx.AsyncClient, dependencies: Dependencies, patch: pytest.MonkeyPatch, body: dict[str, Any]
) -> tuple[str, Vendors]:
    """Publish a template with its credentials, put the stand-ins where the worker's network is, and start it."""
    key = body["workflow_template"]
    export = read(key)
    vendors = Vendors(export)

    async def request(self: WorkerHttp, method: str, url: str, **options: Any) -> Any:
        del self
        return await vendors.request(method, url, **options)

    async def send(self: WorkerMail, *args: Any, **options: Any) -> Any:
        del self
        return await vendors.send(*args, **options)

    patch.setattr(WorkerHttp, "request", request)
    patch.setattr(WorkerMail, "send", send)
    for each in export["meta"]["tempor8"]["credentials"]:
        await dependencies.credentials.put("acme", each["type"], each["name"], credential(each["type"]))
    published = await acme.post("/templates", params={"key": key}, json=export)
    assert published.status_code in (200, 201), published.text
    started = await acme.post("/workflows/start", json=body)
    assert started.status_code == 202, started.text
    return started.json()["workflow_id"], vendors


async def approve(acme: httpx.AsyncClient, vendors: Vendors) -> None:
    """Press the first button of the question in Slack."""

    async def link() -> str | None:
        asked = [json.dumps(body) for _, url, body in vendors.requests if "chat.postMessage" in url]
        found = (
            re.search(r"https?://[^\s/\"\\]+(/[^\s\"\\<>|]*approved=true[^\s\"\\<>|]*)", asked[-1]) if asked else None
        )
        return found[1] if found else None

    await asyncio.sleep(0.5)  # the message goes out before the run waits
    path = await eventually(link, 60)
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"}

    async def pressed() -> bool:
        answer = await acme.get(path, headers=headers)
        return answer.status_code == 200

    await eventually(pressed)


async def test_amazon_sourcing_runs_to_its_end(
    acme: httpx.AsyncClient, dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, vendors = await begin(acme, dependencies, monkeypatch, SOURCING)
    listed = {each["key"]: each for each in (await acme.get("/templates")).json()["items"]}["amazon_spapi_sourcing"]
    assert (listed["duration_s"], listed["source"]) == (2400, "Custom Implementation")
    assert listed["agents"] == ["amazon_optimization_specialist", "pricing_specialist", "product_sourcing_specialist"]
    assert "amazonSellingPartnerApi" in [each["type"] for each in listed["credentials"]]
    await approve(acme, vendors)
    status = await ended(acme, run)
    assert (status["status"], status["error"]) == ("completed", None)
    result = status["result"]["first_item"]
    assert (result["status"], [len(result["evidence"][kind]) for kind in ("hook", "midtier", "hero")]) == (
        "sourced",
        [1, 1, 1],
    )
    searched = sorted(
        url.partition("keywords=")[2].partition("&")[0] for _, url, _ in vendors.requests if "keywords=" in url
    )
    assert searched == ["Electronics", "Home%20%26%20Garden"]


async def test_onboarding_reaches_its_first_wait(
    acme: httpx.AsyncClient, dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contact is in HubSpot, the account manager has agreed, the welcome is sent, and the run waits for two hours."""
    run, vendors = await begin(acme, dependencies, monkeypatch, ONBOARDING)
    await approve(acme, vendors)

    async def waiting() -> Any:
        answer = (await acme.get(f"/workflows/{run}/status")).json()
        return ((answer.get("progress") or {}).get("active") or {}).get("node") == "Wait two hours"

    await eventually(waiting, 60)
    upserts = [body for method, url, body in vendors.requests if method == "POST" and "createOrUpdate" in url]
    assert {"property": "company", "value": "Test Company"} in upserts[0]["properties"]
    assert [(to, subject) for to, subject, _ in vendors.mails] == [(["test@company.com"], "Welcome, Test Company")]
    cancelled = await acme.post(f"/workflows/{run}/cancel")
    assert cancelled.status_code == 202
