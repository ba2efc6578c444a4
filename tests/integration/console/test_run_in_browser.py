"""The parts of a run's page in Chromium: timeline, edited input, answers, files."""

import base64
import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.platform.embedded.fake_vendor import StandIn
from tests.exports import node, set_
from tests.integration.api.test_approvals import Post, asking, post, result_of
from tests.integration.console.browsing import (
    IN_CHROMIUM,
    LIVE_MS,
    browser,
    pause,
    picture,
    placed,
    sign_in,
    signed_in,
    wire,
)
from tests.integration.console.chromium import Wire, watched_page
from tests.service import ended, eventually, started
from tests.unit.agents.world import calls, model, text_answer, workflow
from tests.unit.agents.world import node as ai_node

__all__ = ["browser", "post", "wire"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect
pytestmark = IN_CHROMIUM

DOT: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""


async def test_the_timeline_says_what_the_time_of_each_step_was_spent_with(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    steps = placed(
        node("Start", "manualTrigger"),
        pause("Pause", 1),
        node("Hash", "crypto", 1, action="hash", value="a"),
        set_("End", b="2"),
    )
    assert (await acme.post("/templates", params={"key": "browser-timeline"}, json=steps)).is_success
    run = await started(acme, "browser-timeline")
    await ended(acme, run)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        lines = page.locator("#timeline tbody tr")
        await expect(lines).to_have_count(4, timeout=LIVE_MS)
        paused = lines.filter(has_text="Pause")
        await expect(paused.locator("rect.wait")).to_have_count(1)
        await expect(paused.locator("td").last).to_have_text(re.compile(r"^[1-9][0-9]*\.[0-9] s$"), timeout=LIVE_MS)
        await picture(page, "run-timeline")


async def test_a_failed_run_is_tried_again_with_edited_input(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    check = node("Check", "code", 2, jsCode="if (!$json.address) throw new Error('no address'); return $input.all()")
    steps = placed(node("Start", "manualTrigger"), set_("Fill", made="1"), check, set_("Last", done="yes"))
    assert (await acme.post("/templates", params={"key": "browser-edit"}, json=steps)).is_success
    run = await started(acme, "browser-edit", {"name": "Ada", "password": "hunter2hunter2"})
    await ended(acme, run)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await page.locator("#n2-open").click()
        await page.get_by_role("link", name="Edit its input and try again").click()
        field = page.get_by_label("Items that Check begins with")
        text = await field.input_value()
        assert "hunter2" not in text
        await field.fill(text.replace('"name": "Ada"', '"name": "Ada", "address": "Rome"') + "oops")
        await page.get_by_role("button", name="Start a new run").click()
        await expect(page.get_by_role("alert")).to_contain_text("This is no JSON")
        await field.fill((await field.input_value()).removesuffix("oops"))
        await picture(page, "run-edit")
        await page.get_by_role("button", name="Start a new run").click()
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)
        new = page.url.rpartition("/")[2]
        await page.get_by_text("Compare").click()
        await expect(page.locator(f'#others option[value="{run}"]')).to_have_count(1)
        await page.get_by_label("With the run").fill(run)
        await page.get_by_role("button", name="Show what differs").click()
        await expect(page.get_by_role("row", name="Check")).to_contain_text("status, items, error")
        await expect(page.get_by_role("row", name="Last")).to_contain_text("only in one")
        assert "hunter2" not in await page.content()
        await picture(page, "run-diff")
    item = (await acme.get(f"/workflows/{new}/result")).json()["outputs"][0][0]["json"]
    assert (item["address"], item["password"]) == ("Rome", "hunter2hunter2"), "a masked secret stays what it was"


async def test_an_approval_and_a_form_are_answered_on_the_page(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str], post: Post
) -> None:
    run = await asking(acme, post, "browser_approve", approvalOptions={"values": {"approvalType": "double"}})
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await expect(page.locator("#answer")).to_contain_text("Ask waits for an approval", timeout=LIVE_MS)
        await picture(page, "run-approval")
        await page.get_by_role("button", name="Decline").click()
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator(".answers")).to_contain_text("by key test")
        assert await result_of(acme, run) == '{"approved":false}'
        post.messages.clear()
        fields = {"values": [{"fieldLabel": "When", "fieldType": "text", "requiredField": True}]}
        run = await asking(acme, post, "browser_form", responseType="customForm", formFields=fields)
        await page.goto(f"{wire.url}/console/runs/{run}")
        await page.get_by_label("When").fill("Tomorrow")
        await page.wait_for_timeout(1500)  # whatever the stream says first, what was typed stays
        await page.get_by_role("button", name="Submit").click()
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)
        assert await result_of(acme, run) == '{"When":"Tomorrow"}'


async def test_files_of_items_are_downloaded_and_pictures_shown(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    hook = node("Hook", "webhook", 2, path="browser-files", httpMethod="POST")
    await acme.post("/templates", params={"key": "browser-files"}, json=placed(hook, node("End", "noOp")))
    large = bytes(range(256)) * 400
    files = {"dot": ("dot.png", DOT, "image/png"), "page": ('räud "x".html', large, "text/html")}
    assert (await acme.post("/webhook/acme/browser-files", files=files)).status_code == 200

    async def ran() -> Any:
        found = (await acme.get("/workflows", params={"template": "browser-files"})).json()["items"]
        return found[0]["workflow_id"] if found else None

    run = await eventually(ran)
    await ended(acme, run)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await page.locator("#n0-open").click()
        picture_ = page.locator("img.picture")
        await expect(picture_).to_have_count(1, timeout=LIVE_MS)
        await eventually(lambda: picture_.evaluate("it => it.naturalWidth"))
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="räud").click()
        download = await loading.value
        assert download.suggested_filename.endswith(".html")
        assert Path(await download.path()).read_bytes() == large
        await picture(page, "run-files")
        address = await page.get_by_role("link", name="räud").get_attribute("href") or ""
    async with signed_in(wire, api_keys[0]) as own, signed_in(wire, api_keys[1]) as foreign:
        answer = await own.get(f"{address}&show=1")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert (await foreign.get(address)).status_code == 404
        assert (await own.get(address.replace("file=page", "file=none"))).status_code == 404


async def test_an_agent_is_a_tree_of_turns_tools_and_tokens(
    wire: Wire,
    browser: Any,
    acme: httpx.AsyncClient,
    api_keys: tuple[str, str],
    dependencies: Dependencies,
    loopback: None,
) -> None:
    del loopback
    root = ai_node("Adding agent", "agent", 2.2, {"promptType": "define", "text": "What is 2 + 3 * 4?"})
    steps = workflow(root, (model(), "ai_languageModel"), (ai_node("Calc", "toolCalculator", 1), "ai_tool"))
    assert (await acme.post("/templates", params={"key": "browser-agent"}, json=steps)).is_success
    with StandIn(script=[calls("Calc", {"input": "2+3*4"}), text_answer("It is 14.")]) as vendor:
        key = {"apiKey": "sk-of-the-tests", "url": f"{vendor.url}/v1"}
        await dependencies.credentials.put("acme", "openAiApi", "key", key)
        run = await started(acme, "browser-agent")
        status = await ended(acme, run)
    assert status["status"] == "completed", status
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        tree = page.locator(".tree")
        await expect(tree).to_contain_text("2 turns", timeout=LIVE_MS)
        await expect(tree.locator("li", has_text="Turn 1").last).to_contain_text("Calc")
        await tree.get_by_role("link", name="Calc").focus()
        await page.keyboard.press("Enter")
        panel = page.locator("#panel")
        await expect(panel).to_contain_text('"input": "2+3*4"', timeout=LIVE_MS)
        await expect(panel.locator("pre").last).to_contain_text('"response": "14"')
        await picture(page, "run-agent")
        address = await tree.get_by_role("link", name="Calc").get_attribute("href")

        async def counted() -> bool:
            """Lists follow a run within a second."""
            await page.goto(f"{wire.url}/console/agents")
            return bool(await page.get_by_role("row", name="Adding agent 1 2 0 267 50").count())

        await eventually(counted)
    async with signed_in(wire, api_keys[1]) as stranger:
        assert (await stranger.get(str(address))).status_code == 404
