"""Every page of the console under axe-core's rules of WCAG 2.2 AA, light and dark; and the way through a page by keyboard."""

from typing import Any, Final

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has no types

from tests.integration.console.browsing import IN_CHROMIUM, LIVE_MS, browser, sign_in, wire
from tests.integration.console.chromium import Wire, watched_page
from tests.service import OPERATOR_KEY, ended, started

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = [pytest.mark.long, *IN_CHROMIUM]

RULES: Final = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_breaks_a_rule_of_wcag_aa(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str], scheme: str
) -> None:
    runs = [await started(acme, key, {"name": "Ada"}) for key in ("failing", "greeting")]
    for run in runs:
        await ended(acme, run)
    failing, greeting = runs
    paths = (
        "runs", f"runs/{failing}", f"runs/{greeting}", f"runs/{failing}/edit?name=Before", f"runs/{failing}/diff?other={greeting}",
        "failures", "stuck", "figures", "templates", "templates/greeting", "templates/greeting/versions/1", "publish", "agents",
        "agents/pricing_specialist", "credentials", "keys", "runs/acme:nothing:here",
    )  # fmt: skip
    operators = ("tenants", "tenants/acme", "tenants/acme/deletion", "tenants/acme/audit", "operator-audit")
    broken: dict[str, Any] = {}
    async with watched_page(browser, color_scheme=scheme) as page:
        await page.goto(f"{wire.url}/console/sign-in")
        for path in ("sign-in", *paths, *operators):
            if path == "runs":
                await sign_in(page, wire, api_keys[0])
            if path == "tenants":
                await page.get_by_role("button", name="Sign out").click()
                await sign_in(page, wire, OPERATOR_KEY, "/console/tenants")
            await page.goto(f"{wire.url}/console/{path}")
            if path in (f"runs/{failing}", f"runs/{greeting}"):
                await expect(page.locator("#timeline table")).to_be_visible(timeout=LIVE_MS)
                await page.locator("#n1-open").focus()
                await page.keyboard.press("Enter")
                await expect(page.locator("#panel h2")).to_be_visible(timeout=LIVE_MS)
            found = await Axe().run(page, options=RULES)
            if found.response["violations"]:
                broken[path] = [
                    (each["id"], [node["html"][:160] for node in each["nodes"]][:3])
                    for each in found.response["violations"]
                ]
    assert broken == {}


async def test_the_skip_link_and_the_menus_work_by_keyboard(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await started(acme, "greeting")
    await ended(acme, run)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        for _ in ("link to the template", "Compare", "Retry"):
            await page.keyboard.press("Tab")
        await expect(page.locator("summary", has_text="Retry")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Start a new run")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Start a new run")).to_be_hidden()
        await expect(page.locator("summary", has_text="Retry")).to_be_focused()
