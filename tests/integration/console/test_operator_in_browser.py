"""The operator's pages in Chromium: a tenant from its creation to its end, with its keys and network."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from tests.exports import greeting
from tests.integration.console.browsing import IN_CHROMIUM, LIVE_MS, browser, picture, sign_in, signed_in, wire
from tests.integration.console.chromium import Wire, watched_page
from tests.service import OPERATOR_KEY, client

__all__ = ["browser", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM


async def actions(operator: httpx.AsyncClient, tenant: str) -> list[tuple[str, str]]:
    """Action and outcome of each entry of a tenant's audit log, latest first."""
    rows = (await operator.get(f"/operator/tenants/{tenant}/audit", params={"limit": 100})).json()["items"]
    return [(each["action"], each["outcome"]) for each in rows]


async def test_a_tenant_is_created_and_gets_keys_and_network(
    wire: Wire, browser: Any, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.authentication.KEY_CACHE_SECONDS", 0.0)
    async with watched_page(browser) as page:
        await sign_in(page, wire, OPERATOR_KEY, "/console/tenants")
        await page.get_by_label("Id", exact=True).fill("initech")
        await page.get_by_label("Name for people").fill("Initech & sons")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/tenants/initech")
        await expect(page.locator("main")).to_contain_text("Initech & sons")

        await page.get_by_label("What it is for").fill("first")
        await page.get_by_label("publish", exact=True).check()
        await page.get_by_label("read", exact=True).check()
        await page.get_by_role("button", name="Issue").click()
        secret = await page.get_by_role("status").locator("code").inner_text()
        await picture(page, "tenant")
        async with httpx.AsyncClient(base_url=wire.url, headers={"X-API-Key": secret}) as caller:
            published = await caller.post("/templates", params={"key": "greeting"}, json=greeting())
            assert published.is_success, published.text
        await page.goto(f"{wire.url}/console/tenants/initech")
        assert secret not in await page.content()

        await page.get_by_label("Days until first expires").fill("7")
        await page.get_by_role("button", name="Set when first expires").click()
        await expect(page.get_by_role("row", name="first")).not_to_contain_text("never")
        await page.get_by_role("button", name="Rotate first").click()
        second = await page.get_by_role("status").locator("code").inner_text()
        assert second != secret
        await page.get_by_role("button", name="Revoke first").first.click()
        await expect(page.get_by_role("row", name="first").first).to_contain_text("revoked")
        async with signed_in(wire, second) as successor:
            assert (await successor.get("/console/templates")).status_code == 200

        await page.get_by_label("Hosts, host:port and networks").fill("10.1.0.0/16\ncrm.internal:443")
        await page.get_by_role("button", name="Save").click()
        shown = await operator.get("/operator/tenants/initech")
        assert shown.json()["egress_allow"] == ["10.1.0.0/16", "crm.internal:443"]
        await page.get_by_label("Hosts, host:port and networks").fill("no host at all/99")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_be_visible()
    log = await actions(operator, "initech")
    for action in ("tenant.create", "key.issue", "key.expire", "key.rotate", "key.revoke", "tenant.egress"):
        assert (action, "done") in log, log
    assert ("tenant.egress", "refused") in log


async def test_a_tenant_is_erased_after_a_preview_when_its_id_is_typed(
    wire: Wire, browser: Any, operator: httpx.AsyncClient, application: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.authentication.KEY_CACHE_SECONDS", 0.0)
    assert (await operator.post("/operator/tenants", json={"id": "initrode"})).is_success
    issued = await operator.post("/operator/tenants/initrode/keys", json={"scopes": ["publish", "read"]})
    async with client(application, issued.json()["key"]) as caller:
        assert (await caller.post("/templates", params={"key": "greeting"}, json=greeting())).is_success
        async with watched_page(browser) as page:
            await sign_in(page, wire, OPERATOR_KEY, "/console/tenants/initrode")
            await page.get_by_role("link", name="Erase").click()
            await expect(page.get_by_role("row", name="templates")).to_contain_text("1")
            await picture(page, "tenant-erase")
            await page.get_by_label("Type the id").fill("initech")
            await page.get_by_role("button", name="Erase initrode for good").click()
            await expect(page.get_by_role("alert")).to_contain_text("Nothing was erased")
            assert (await operator.get("/operator/tenants/initrode")).json()["deletion"] is None
            await page.get_by_label("Type the id").fill("initrode")
            await page.get_by_role("button", name="Erase initrode for good").click()
            await expect(page.get_by_role("status")).to_contain_text("Being erased", timeout=LIVE_MS)
            await page.goto(f"{wire.url}/console/tenants/initrode/audit")
            await expect(page.locator("main")).to_contain_text("tenant.delete")
            await picture(page, "tenant-audit")
        assert (await caller.get("/templates")).status_code == 401


async def test_tenants_are_listed_page_by_page_without_their_data(
    wire: Wire, browser: Any, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.tenant_pages.PER_PAGE", 1)
    made = {"listed.one", "listed.two"}
    for each in made:
        assert (await operator.post("/operator/tenants", json={"id": each})).status_code == 201
    async with watched_page(browser, viewport={"width": 360, "height": 740}) as page:
        await sign_in(page, wire, OPERATOR_KEY, "/console/tenants")
        seen: list[str] = []
        while True:
            links = page.locator("tbody a")
            seen += [await links.nth(number).inner_text() for number in range(await links.count())]
            following = page.get_by_role("link", name="Next page")
            if not await following.count():
                break
            await following.click()
            await page.wait_for_url(f"**after={seen[-1]}")
        assert seen == sorted(set(seen))
        assert made <= set(seen)
        assert "*" not in seen
        await page.get_by_label("Id of the tenant").fill("listed.two")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/tenants/listed.two")
        await page.goto(f"{wire.url}/console/tenants?tenant=nobody")
        await expect(page.get_by_role("alert")).to_contain_text("nobody")
