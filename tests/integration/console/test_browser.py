"""The console in Chromium: live, resumed after a cut, by keyboard, on a narrow screen, light and dark."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from api.console.template_pages import LAST_RUNS
from api.dependencies import Dependencies
from tests.exports import node, set_
from tests.gates import gate, open_gate
from tests.integration.api.test_repair import failed_runs, publish
from tests.integration.console.browsing import (
    IN_CHROMIUM,
    LIVE_MS,
    browser,
    picture,
    placed,
    sign_in,
    wire,
)
from tests.integration.console.chromium import Wire, watched_page
from tests.service import ended, eventually, started

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect

pytestmark = IN_CHROMIUM


async def gated_run(acme: httpx.AsyncClient) -> str:
    """Five nodes, two of which wait until the test lets them go on."""
    nodes = (
        node("Start", "manualTrigger"),
        gate("First wait"),
        set_("Middle", a="1"),
        gate("Second wait"),
        set_("End", b="2"),
    )
    answer = await acme.post("/templates", params={"key": "browser-gated"}, json=placed(*nodes))
    assert answer.status_code in (200, 201), answer.text
    return await started(acme, "browser-gated")


async def test_a_run_is_seen_live_until_its_end_without_a_reload(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str], dependencies: Dependencies
) -> None:
    run = await gated_run(acme)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await page.evaluate("window.loadedOnce = true")
        await expect(page.locator(".node.state-waiting")).to_have_attribute("id", "n1", timeout=LIVE_MS)
        await expect(page.locator("#waiting")).to_contain_text("First wait waits for an answer", timeout=LIVE_MS)
        await expect(page.locator("#waiting")).to_contain_text(f"{wire.url}/webhook-waiting/{run}/", timeout=LIVE_MS)
        await picture(page, "run-live")
        await open_gate(acme, dependencies, run, 0)
        await expect(page.locator("#n2")).to_have_class("node family-data state-success", timeout=LIVE_MS)
        await expect(page.locator("#n3")).to_have_class("node family-flow state-waiting", timeout=LIVE_MS)
        await open_gate(acme, dependencies, run, 1)
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator("#steps > li")).to_have_count(5)
        assert await page.evaluate("window.loadedOnce"), "the page was not loaded again"
        assert await page.locator(".node.state-success").count() == 5
        await picture(page, "run-completed")


async def test_a_cut_connection_is_told_and_resumed_without_losing_a_step(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str], dependencies: Dependencies
) -> None:
    run = await gated_run(acme)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await expect(page.locator("#n1")).to_have_class("node family-flow state-waiting", timeout=LIVE_MS)
        await wire.cut()
        await expect(page.locator("#connection")).to_be_visible(timeout=LIVE_MS)

        try:
            await open_gate(acme, dependencies, run, 0)
            await open_gate(acme, dependencies, run, 1)
            await ended(acme, run)
        finally:
            await wire.mend()
        await expect(page.locator("#n2")).to_have_class("node family-data state-success", timeout=LIVE_MS)
        await expect(page.locator("#connection")).to_be_hidden(timeout=LIVE_MS)
        steps = await page.locator("#steps > li").evaluate_all("all => all.map(each => each.id)")
        assert steps == sorted(set(steps), reverse=True), "each step once, the latest first"
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator("#steps > li")).to_have_count(5)


async def test_items_of_a_node_are_reached_by_keyboard(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await started(acme, "failing", {"name": "Ada"})
    await ended(acme, run)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await page.locator("#n1-open").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#panel")).to_contain_text('"reached": "yes"', timeout=LIVE_MS)
        await page.locator("#panel").get_by_role("link", name="Input", exact=True).click()
        await expect(page.locator("#panel")).to_contain_text('"name": "Ada"', timeout=LIVE_MS)
        await picture(page, "run-failed")


async def test_the_input_of_the_step_that_failed_is_there_at_once_and_never_over_what_was_chosen(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await started(acme, "failing", {"name": "Ada"})
    await ended(acme, run)
    chosen = asyncio.Event()

    async def late(route: Any) -> None:
        await chosen.wait()
        await route.continue_()

    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await expect(page.locator("#panel")).to_contain_text('"name": "Ada"', timeout=LIVE_MS)
        await page.route(re.compile("/node[?].*side=input"), late)
        await page.reload()
        await page.locator("#n1-open").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#panel")).to_contain_text('"reached": "yes"', timeout=LIVE_MS)
        async with page.expect_response(re.compile("/node[?].*side=input")):
            chosen.set()
        await page.wait_for_timeout(300)
        await expect(page.locator("#panel")).to_contain_text('"reached": "yes"')


async def test_failed_runs_of_a_filtered_list_are_previewed_and_retried(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    await failed_runs(acme, "browser-list", "aab")
    await publish(acme, "browser-list", mended=True)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], "/console/runs")
        await page.locator("summary", has_text="Last runs by template").click()
        row = page.locator(".last-runs li", has_text="browser-list")
        await expect(row.locator(".dot")).to_have_count(3, timeout=LIVE_MS)
        await row.get_by_role("link", name="browser-list").click()
        await page.locator("summary", has_text="Retry failed runs").click()
        await page.locator(".menu").get_by_label("With").select_option("current")
        await picture(page, "runs-retry")
        await page.get_by_role("button", name="Preview the retry").click()
        await expect(page.get_by_role("status")).to_contain_text("3 of 3 failed runs would be started again")
        await page.get_by_role("button", name="Retry 3 runs").click()
        await expect(page.get_by_role("status")).to_contain_text("3 of 3 failed runs were started again")
        await page.get_by_role("link", name="Back").click()
        await page.wait_for_url("**/console/runs?template=browser-list")


async def test_a_cause_is_previewed_and_retried(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    await failed_runs(acme, "browser-cause", "aab")
    await publish(acme, "browser-cause", mended=True)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], "/console/failures?template=browser-cause")
        group = page.locator(".group", has_text="2 × browser-cause")
        await picture(page, "failures")
        await group.get_by_label("With").select_option("current")
        await group.get_by_role("button", name="Preview the retry").click()
        await expect(page.get_by_role("status")).to_contain_text("2 of 2 failed runs would be started again")
        await picture(page, "bulk-retry")
        await page.get_by_role("button", name="Retry 2 runs").click()
        await expect(page.get_by_role("status")).to_contain_text("2 of 2 failed runs were started again")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_a_narrow_screen(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str], scheme: str
) -> None:
    run = await started(acme, "failing", {"name": "Ada"})
    await ended(acme, run)
    greetings = [await started(acme, "greeting", {"name": "Ada"}) for _ in range(LAST_RUNS)]

    async def listed() -> bool:
        items = (await acme.get("/workflows", params={"template": "greeting", "limit": LAST_RUNS})).json()["items"]
        return {each["workflow_id"] for each in items} == set(greetings)

    await eventually(listed)
    paths = (
        "/runs",
        f"/runs/{run}",
        "/failures",
        "/stuck",
        "/templates",
        "/templates/greeting",
        "/templates/greeting/versions/1",
        "/agents",
    )
    async with watched_page(browser, viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
        await sign_in(page, wire, api_keys[0])
        for path in paths:
            await page.goto(f"{wire.url}/console{path}")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, path
        await page.goto(f"{wire.url}/console/runs/{run}")
        await expect(page.locator("#steps")).to_be_visible()
        await expect(page.locator("#graph")).to_be_hidden()
        await picture(page, f"run-narrow-{scheme}")
    async with watched_page(browser, viewport={"width": 1280, "height": 800}, color_scheme=scheme) as page:
        await sign_in(page, wire, api_keys[0])
        await picture(page, f"runs-{scheme}")
        await page.goto(f"{wire.url}/console/runs/{run}")
        await picture(page, f"run-{scheme}")


async def test_another_tenants_run_is_not_found(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await started(acme, "greeting")
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[1])
        answer = await page.goto(f"{wire.url}/console/runs/{run}")
        assert answer is not None
        assert answer.status == 404
        await expect(page.get_by_role("heading", name="No such run")).to_be_visible()
