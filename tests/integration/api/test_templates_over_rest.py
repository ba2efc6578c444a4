"""Both examples of the service description, posted byte for byte with the key as one header more, run to their end against vendors
that check what they are sent. The waits of days end at once here; `tests/integration/templates` has them on a clock that skips.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api.dependencies import Dependencies
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from runtime.hosts.temporal.capabilities.mail import WorkerMail
from runtime.hosts.temporal.host import TemporalHost
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.tenants import TenantStore
from tests.service import client, ended, eventually
from tests.shared_folder import ABSENT, shared_path
from tests.unit.templates.test_templates import read
from tests.unit.templates.vendors import Vendors, credential

pytestmark = pytest.mark.usefixtures("worker")

TENANT = "tenant_001"
ONBOARDING = """{
    "workflow_template": "ai_customer_onboarding",
    "tenant_id": "tenant_001",
    "user_id": "user_123",
    "input_data": {
      "customer_data": {"name": "Test Company", "email": "test@company.com"},
      "integrations": {"hubspot": true}
    }
  }"""
SOURCING = """{
    "workflow_template": "amazon_spapi_sourcing",
    "tenant_id": "tenant_001",\x20
    "user_id": "user_123",
    "input_data": {
      "categories": ["Electronics", "Home & Garden"],
      "price_range": {"min": 20, "max": 100},
      "classification": "hook_midtier_hero"
    }
  }"""
DESCRIPTION = shared_path("reference")


@pytest.mark.skipif(DESCRIPTION is None, reason=ABSENT)
def test_the_examples_are_those_of_the_description() -> None:
    assert DESCRIPTION is not None
    text = "".join(each.read_text("utf-8") for each in DESCRIPTION.glob("seed-*.txt"))
    assert re.findall(r"/workflows/start \\\n.*?-d '(.*?)'", text, re.DOTALL) == [ONBOARDING, SOURCING]


@pytest.fixture
async def caller(application: Litestar, database: Database, keys: Keyring) -> AsyncIterator[httpx.AsyncClient]:
    """The tenant of the examples, which is there once."""
    store = TenantStore(database, keys)
    await store.create(TENANT)
    async with client(application, await store.issue(TENANT, "examples")) as opened:
        yield opened


@pytest.fixture
def days_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for a time end at once."""
    sleep = TemporalHost.sleep

    async def short(self: TemporalHost, seconds: float) -> None:
        await sleep(self, min(seconds, 0.01))

    monkeypatch.setattr(TemporalHost, "sleep", short)


async def begin(
    caller: httpx.AsyncClient, dependencies: Dependencies, patch: pytest.MonkeyPatch, body: str
) -> tuple[str, Vendors]:
    """Publish a template with its credentials, put the stand-ins where the worker's network is, and start it."""
    key = json.loads(body)["workflow_template"]
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
        await dependencies.credentials.put(TENANT, each["type"], each["name"], credential(each["type"]))
    published = await caller.post("/templates", params={"key": key}, json=export)
    assert published.status_code in (200, 201), published.text
    headers = {"Content-Type": "application/json"}
    started = await caller.post("/workflows/start", headers=headers, content=body)
    assert started.status_code == 202, started.text
    return started.json()["workflow_id"], vendors


async def approve(caller: httpx.AsyncClient, vendors: Vendors) -> None:
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
        answer = await caller.get(path, headers=headers)
        return answer.status_code == 200

    await eventually(pressed)


async def test_amazon_sourcing_runs_to_its_end(
    caller: httpx.AsyncClient, dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, vendors = await begin(caller, dependencies, monkeypatch, SOURCING)
    listed = {each["key"]: each for each in (await caller.get("/templates")).json()["items"]}["amazon_spapi_sourcing"]
    assert (listed["duration_s"], listed["source"]) == (2400, "Custom Implementation")
    assert listed["agents"] == ["amazon_optimization_specialist", "pricing_specialist", "product_sourcing_specialist"]
    assert "amazonSellingPartnerApi" in [each["type"] for each in listed["credentials"]]
    await approve(caller, vendors)
    status = await ended(caller, run)
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


@pytest.mark.usefixtures("days_pass")
async def test_onboarding_runs_to_its_end(
    caller: httpx.AsyncClient, dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contact is in HubSpot, the account manager has agreed, and every mail is sent."""
    run, vendors = await begin(caller, dependencies, monkeypatch, ONBOARDING)
    await approve(caller, vendors)
    status = await ended(caller, run)
    assert (status["status"], status["error"]) == ("completed", None)
    result = status["result"]["first_item"]
    assert result["status"] == "onboarded", result
    upserts = [body for method, url, body in vendors.requests if method == "POST" and "createOrUpdate" in url]
    assert {"property": "company", "value": "Test Company"} in upserts[0]["properties"]
    assert vendors.mails[0][:2] == (["test@company.com"], "Welcome, Test Company")
    assert {tuple(to) for to, *_ in vendors.mails} >= {("test@company.com",)}
    history = (await caller.get(f"/workflows/{run}/history")).json()
    assert "Wait two hours" in json.dumps(history)
