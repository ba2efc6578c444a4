"""The page of the API's description in Chromium, under a policy that lets it load nothing from elsewhere."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.console.browsing import IN_CHROMIUM, LIVE_MS, browser, picture, wire
from tests.integration.console.chromium import Wire, watched_page

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM


async def test_the_description_is_a_page_that_needs_no_network(wire: Wire, browser: Any) -> None:
    asked: list[str] = []
    async with watched_page(browser) as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{wire.url}/docs")
        start = page.locator(".opblock-summary", has_text="/workflows/start")
        await expect(start).to_be_visible(timeout=LIVE_MS)
        await start.get_by_role("button").first.click()
        await expect(page.locator(".opblock-body").first).to_contain_text("workflow_template", timeout=LIVE_MS)
        await picture(page, "api-docs")
    hosts = {urlsplit(each).netloc for each in asked if not each.startswith("data:")}
    assert hosts == {urlsplit(wire.url).netloc}
