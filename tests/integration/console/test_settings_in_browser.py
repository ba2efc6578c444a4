"""Keys and credentials in Chromium."""

from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.platform.embedded.fake_vendor import StandIn
from tests.exports import export, node
from tests.integration.console.browsing import IN_CHROMIUM, LIVE_MS, browser, picture, sign_in, signed_in, wire
from tests.integration.console.chromium import Wire, watched_page

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM


async def test_a_key_is_issued_shown_once_and_revoked(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    del acme
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], "/console/keys")
        await page.get_by_label("What it is for").fill("for the browser")
        await page.get_by_label("read", exact=True).check()
        await page.get_by_role("button", name="Issue").click()
        secret = await page.get_by_role("status").locator("code").inner_text()
        await picture(page, "keys")
        async with signed_in(wire, secret) as reader:
            assert (await reader.get("/console/runs")).status_code == 200
            assert (await reader.get("/console/keys")).status_code == 403
            assert 'href="/console/keys"' not in (await reader.get("/console/runs")).text
        await page.goto(f"{wire.url}/console/keys")
        assert secret not in await page.content()
        await page.get_by_role("button", name="Revoke for the browser").click()
        await expect(page.get_by_role("row", name="for the browser")).to_contain_text("revoked")


async def test_credentials_are_names_that_can_be_tried(
    wire: Wire,
    browser: Any,
    acme: httpx.AsyncClient,
    api_keys: tuple[str, str],
    dependencies: Dependencies,
    loopback: None,
) -> None:
    del loopback
    missing = node("Mail", "emailSend", 2.1, fromEmail="a@example.com", toEmail="b@example.com", subject="x")
    missing |= {"credentials": {"smtp": {"id": "9", "name": "not stored"}}}
    steps = export("Mails", node("Start", "manualTrigger"), missing)
    assert (await acme.post("/templates", params={"key": "browser-credentials"}, json=steps)).is_success
    with StandIn() as vendor:
        key = {"apiKey": "sk-never-shown-anywhere", "url": f"{vendor.url}/v1"}
        await dependencies.credentials.put("acme", "openAiApi", "the key", key)
        async with watched_page(browser) as page:
            await sign_in(page, wire, api_keys[0], "/console/credentials")
            await expect(page.get_by_role("row", name="not stored")).to_contain_text("missing")
            await page.get_by_role("button", name="Test the key").click()
            await expect(page.get_by_role("status")).to_contain_text("the key", timeout=LIVE_MS)
            assert "sk-never" not in await page.content()
            assert len(vendor.requests) == 1
            await picture(page, "credentials")
    rows = (await acme.get("/audit", params={"limit": 20})).json()["items"]
    assert ("credential.test", "credential/openAiApi/the key") in {(each["action"], each["object"]) for each in rows}
