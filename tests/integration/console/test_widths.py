"""No page is wider than a phone, whatever names, messages and users are long; and at 360 px a run has its steps first."""

from typing import Any, Final

import httpx
import pytest

from tests.exports import export, node, set_
from tests.integration.console.browsing import IN_CHROMIUM, LIVE_MS, browser, picture, sign_in, wire
from tests.integration.console.chromium import Wire, watched_page
from tests.service import ended, eventually

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM

PHONE: Final = {"width": 360, "height": 740}
KEY: Final = "a_rather_long_key_" * 6
"""108 of the 128 characters that a key may have, without a place to break at."""
TOO_WIDE: Final = """() => [...document.querySelectorAll("main, main *, header")]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".graph, .scroll, details:not([open]) > :not(summary)"))
    .map(each => each.outerHTML.slice(0, 120)).slice(0, 3)"""


async def test_long_names_and_messages_stay_in_the_page(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    name = "Credit check with the external bureau of the region " + "W" * 60
    throws = node(name, "code", 2, jsCode=f"throw new Error('{'x' * 400}')")
    document = export("N" * 120, node("Start", "manualTrigger"), set_("Set", a="1"), throws)
    assert (await acme.post("/templates", params={"key": KEY}, json=document)).is_success
    body = {"workflow_template": KEY, "user_id": f"{'u' * 90}@company.example", "input_data": {}}
    answer = await acme.post("/workflows/start", json=body)
    run = answer.json()["workflow_id"]
    assert (await ended(acme, run))["status"] == "failed"

    async def listed() -> Any:
        groups = (await acme.get("/failures", params={"template": KEY})).json()["items"]
        return groups and groups[0]["runs"]

    await eventually(listed)
    paths = (
        "runs", f"runs?template={KEY}", f"runs/{run}", f"runs/{run}/edit?name=Set", f"runs/{run}/diff?other={run}", "failures",
        "templates", f"templates/{KEY}", f"templates/{KEY}/versions/1", "figures", "stuck", "publish", "agents",
        "agents/lead_qualification_specialist", "credentials", "keys", f"runs/acme:{KEY}:nothing",
    )  # fmt: skip
    async with watched_page(browser, viewport=PHONE) as page:
        await sign_in(page, wire, api_keys[0])
        wide = {}
        for path in paths:
            await page.goto(f"{wire.url}/console/{path}")
            if path == f"runs/{run}":
                await page.locator("#steps a").nth(1).click()
                await expect(page.locator("#panel h2")).to_have_text("Set", timeout=LIVE_MS)
                await page.locator("summary", has_text="Retry").click()
                await expect(page.get_by_role("button", name="Start a new run")).to_be_visible()
                await picture(page, "run-narrow-long")
            if found := await page.evaluate(TOO_WIDE):
                wide[path] = found
        assert wide == {}


async def test_on_a_phone_the_section_that_is_open_is_in_sight(
    wire: Wire, browser: Any, api_keys: tuple[str, str]
) -> None:
    async with watched_page(browser, viewport=PHONE) as page:
        await sign_in(page, wire, api_keys[0], "/console/keys")
        box = await page.locator(".bar [aria-current]").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= PHONE["width"] - box["width"]


async def test_on_a_phone_a_run_has_its_steps_first_and_the_other_parts_as_tabs(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    answer = await acme.post("/workflows/start", json={"workflow_template": "greeting", "input_data": {}})
    run = answer.json()["workflow_id"]
    await ended(acme, run)
    async with watched_page(browser, viewport=PHONE) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await expect(page.locator("#steps li").first).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator("#graph, #timeline")).to_have_count(2)
        tabs = page.get_by_role("navigation", name="Parts of the page")
        for name, part in (("Graph", "#graph"), ("Timeline", "#timeline table"), ("Steps", "#steps")):
            await tabs.get_by_role("link", name=name).press("Enter")
            await expect(page.locator(part)).to_be_visible(timeout=LIVE_MS)
            await expect(tabs.locator("[aria-current]")).to_have_text(name)
            hidden = [each for each in ("#graph", "#timeline", "#steps") if not part.startswith(each)]
            for each in hidden:
                await expect(page.locator(each)).to_be_hidden()
            assert not await page.evaluate(TOO_WIDE)
            await picture(page, f"run-narrow-{name.lower()}")
