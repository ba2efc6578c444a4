"""Templates in Chromium: publish by upload, changes between versions, start, test call, the last runs."""

import json
from typing import Any

import httpx
import pytest

from tests.exports import export, node, set_
from tests.integration.console.browsing import IN_CHROMIUM, LIVE_MS, browser, picture, sign_in, wire
from tests.integration.console.chromium import Wire, watched_page
from tests.service import eventually

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM


def uploaded(text: str, path: str = "uploaded") -> dict[str, Any]:
    hook = node("Hook", "webhook", 2, path=path, httpMethod="POST", responseMode="lastNode")
    return export("Uploaded", hook, set_("Set", text=text, password="hunter2hunter2"))


def file_of(workflow: dict[str, Any]) -> Any:
    return {"name": "uploaded.json", "mimeType": "application/json", "buffer": json.dumps(workflow).encode()}


async def test_an_export_is_uploaded_changed_started_and_called(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], "/console/templates")
        await page.get_by_role("link", name="Publish").click()
        field, publish = page.get_by_label("File of the n8n export"), page.get_by_role("button", name="Publish")
        await field.set_input_files({"name": "x.json", "mimeType": "application/json", "buffer": b"{"})
        await publish.click()
        await expect(page.get_by_role("alert")).to_contain_text("does not compile")
        await picture(page, "publish-refused")
        await field.set_input_files(file_of(uploaded("one")))
        await page.get_by_role("button", name="Check").click()
        await expect(page.get_by_role("status")).to_contain_text("It can be published")
        for text in ("one", "two"):
            await page.goto(f"{wire.url}/console/publish")
            await field.set_input_files(file_of(uploaded(text)))
            await page.get_by_label("Key").fill("browser-uploaded")
            await publish.click()
            await page.wait_for_url("**/console/templates/browser-uploaded")
        await page.get_by_role("link", name="changes since 1").click()
        await expect(page.get_by_role("row", name="Set")).to_contain_text('"two"')
        assert "hunter2" not in await page.content()
        await picture(page, "versions-diff")
        await page.goto(f"{wire.url}/console/templates/browser-uploaded")
        await page.get_by_text("Start a run").click()
        await page.get_by_label("Input, as JSON").fill('{"a": 1}')
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)

        async def dot() -> bool:
            """Lists follow a run within a second."""
            await page.goto(f"{wire.url}/console/templates/browser-uploaded")
            return bool(await page.locator(".dot.status-completed").count() == 1)

        await eventually(dot)
        await picture(page, "template")
        await page.get_by_role("button", name="Test call").click()
        await expect(page.locator("code")).to_contain_text("/webhook-test/acme/uploaded")
        called = await acme.post("/webhook-test/acme/uploaded", json={})
        assert called.json()["text"] == "two"
    actions = [each["action"] for each in (await acme.get("/audit", params={"limit": 50})).json()["items"]]
    assert {"template.publish", "template.listen", "run.start"} <= set(actions)


async def test_a_run_that_was_just_started_is_in_the_list_at_once(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    del acme
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], "/console/templates/greeting")
        await page.get_by_text("Start a run").click()
        await page.get_by_role("button", name="Start", exact=True).click()
        await page.wait_for_url("**/console/runs/acme:greeting:*")
        run = page.url.rpartition("/")[2]
        await page.goto(f"{wire.url}/")
        assert page.url.endswith("/console/runs")
        assert await page.locator(f'a[href="/console/runs/{run}"]').count() == 1
        assert "Runs" in await page.title()
