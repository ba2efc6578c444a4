"""Curves in Chromium, against the same figures by REST."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from runtime.platform.postgres import Database
from service.execution_rows import ExecutionRow, UsageRow
from service.execution_store import ExecutionStore
from tests.integration.console.browsing import IN_CHROMIUM, browser, picture, sign_in, wire
from tests.integration.console.chromium import Wire, watched_page
from tests.service import client

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM

PAINTED = """canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((value, place) => place % 4 === 3 && value > 0);
}"""


COLOURED = """canvas => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue, opaque] = data.slice(at, at + 4);
        if (opaque > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 80) return true;
    }
    return false;
}"""
"""Whether a line or a point is there: axes and their texts are grey."""


def run(tenant: str, number: int, template: str, status: str, began: datetime, usage: int = 0) -> ExecutionRow:
    requests = [
        UsageRow(f"agent-{number % 11}", "Agent", "m", 100, usage, 40, "success", began, cost_usd=0.01 * number)
        for _ in range(bool(usage))
    ]
    closed = None if status == "running" else began + timedelta(milliseconds=50 * number)
    id_ = f"{tenant}:{template}:{uuid.UUID(int=number)}"
    return ExecutionRow(
        tenant, id_, f"r{number}", template, "h", "api", status, began, closed, step_count=1, steps=[], usage=requests
    )


@pytest.fixture(scope="module")
async def key(operator: httpx.AsyncClient, database: Database) -> str:
    """A key of a tenant with runs of three templates, eleven agents and every kind of end in the last two days."""
    assert (await operator.post("/operator/tenants", json={"id": "curves"})).is_success
    now, store = datetime.now(UTC), ExecutionStore(database)
    ends = ("completed", "completed", "completed", "failed", "timed_out", "canceled", "running")
    await store.write(
        "curves",
        [
            run("curves", number, f"k{number % 3}", ends[number % 7], now - timedelta(minutes=14 * number), 5 * number)
            for number in range(1, 200)
        ],
    )
    issued = await operator.post("/operator/tenants/curves/keys", json={"scopes": ["read"]})
    secret: str = issued.json()["key"]
    return secret


async def test_figures_over_time_are_those_of_the_runs(application: Litestar, key: str) -> None:
    async with client(application, key) as caller:
        week = (await caller.get("/metrics/series", params={"days": 7})).json()
        assert (len(week["times"]), week["hours"]) == (28, 6)
        total = (await caller.get("/metrics", params={"hours": 168})).json()
        counted = {status: sum(line) for status, line in week["runs"].items()}
        assert counted == {name: number for name, number in total["runs"]["by_status"].items() if number}
        tokens = sum(each["input_tokens"] + each["output_tokens"] for each in total["agents"])
        assert sum(map(sum, week["agents"]["tokens"].values())) == tokens
        assert sum(map(sum, week["templates"]["tokens"].values())) == tokens
        assert len(week["agents"]["tokens"]) == 9
        assert list(week["agents"]["tokens"])[-1] == "others"
        one = (await caller.get("/metrics/series", params={"days": 7, "template": "k1"})).json()
        assert one["templates"]["tokens"] == {"k1": week["templates"]["tokens"]["k1"]}
        assert one["agents"] == {"tokens": {}, "cost_usd": {}}
        day = (await caller.get("/metrics/series", params={"days": 1})).json()
        assert (len(day["times"]), day["hours"]) == (24, 1)
        for days in ("0", "2", "x", "-1"):
            assert (await caller.get("/metrics/series", params={"days": days})).status_code == 400


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_curves_are_drawn_and_stand_in_a_table_too(
    wire: Wire, browser: Any, key: str, scheme: str, width: int
) -> None:
    async with watched_page(browser, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        await sign_in(page, wire, key, "/console/figures")
        await expect(page.locator(".chart canvas")).to_have_count(6)
        for number in range(6):
            assert await page.locator(".chart canvas").nth(number).evaluate(PAINTED)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.locator("summary").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("columnheader", name="timed out")).to_be_visible()
        await page.keyboard.press("Enter")
        await picture(page, f"figures-{scheme}")
        await page.get_by_label("Over").select_option("1")
        await page.get_by_role("button", name="Show").click()
        await page.wait_for_url("**days=1&template=")
        await page.goto(f"{wire.url}/console/figures?days=1&template=k2")
        await expect(page.locator(".chart canvas")).to_have_count(4)


async def test_a_value_without_neighbours_is_seen_on_a_phone_too(
    wire: Wire, browser: Any, operator: httpx.AsyncClient, database: Database
) -> None:
    """The first runs of a day have no line, and points are left out where they are close."""
    assert (await operator.post("/operator/tenants", json={"id": "single"})).is_success
    await ExecutionStore(database).write("single", [run("single", 1, "k", "completed", datetime.now(UTC))])
    issued = await operator.post("/operator/tenants/single/keys", json={"scopes": ["read"]})
    async with watched_page(browser, viewport={"width": 360, "height": 800}) as page:
        await sign_in(page, wire, issued.json()["key"], "/console/figures?days=1")
        durations = page.locator(".chart[data-unit=ms] canvas")
        await expect(durations).to_have_count(1)
        assert await durations.evaluate(COLOURED)


async def test_a_tenant_without_runs_is_told_so(wire: Wire, browser: Any, operator: httpx.AsyncClient) -> None:
    assert (await operator.post("/operator/tenants", json={"id": "idle"})).is_success
    issued = await operator.post("/operator/tenants/idle/keys", json={"scopes": ["read"]})
    async with watched_page(browser) as page:
        await sign_in(page, wire, issued.json()["key"], "/console/figures?days=30")
        await expect(page.get_by_text("No run began in this time.")).to_be_visible()
