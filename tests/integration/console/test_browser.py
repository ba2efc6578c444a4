"""The console in Chromium: live, resumed after a cut, by keyboard, on a narrow screen, light and dark."""

import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from tests.exports import export, node, set_
from tests.integration.api.test_approvals import Post, asking, post, result_of
from tests.integration.api.test_repair import failed_runs, publish
from tests.integration.console.chromium import CHROMIUM, SCREENSHOTS, Wire, chromium, serving, watched_page
from tests.service import ended, eventually, loopback, started

__all__ = ["loopback", "post"]

playwright = pytest.importorskip("playwright.async_api", reason="the browser tests need playwright")
expect = playwright.expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: apt-get install chromium"),
    pytest.mark.usefixtures("published"),
]

LIVE_MS: Final = 15_000
DOT: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""


@pytest.fixture(scope="module")
async def wire(application: Litestar) -> AsyncIterator[Wire]:
    """The site."""
    async with serving(application) as opened:
        yield opened


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Any]:
    """Chromium."""
    async with chromium() as opened:
        yield opened


async def sign_in(page: Any, wire: Wire, key: str, path: str = "/console/runs") -> None:
    await page.goto(wire.url + path)
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{path}")


@contextlib.asynccontextmanager
async def signed_in(wire: Wire, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has signed in, without a browser."""
    async with httpx.AsyncClient(base_url=wire.url) as client:
        assert (await client.post("/console/sign-in", data={"key": key})).status_code == 303
        yield client


async def picture(page: Any, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def placed(*nodes: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """A workflow whose nodes stand beside each other, as an editor leaves them."""
    return export("Placed", *[each | {"position": [240 * x, 0]} for x, each in enumerate(nodes)], **settings)


def pause(name: str, seconds: int) -> dict[str, Any]:
    return node(name, "wait", 1.1, resume="timeInterval", amount=seconds, unit="seconds")


async def slow_run(acme: httpx.AsyncClient) -> str:
    """Five nodes that take seven seconds."""
    nodes = (
        node("Start", "manualTrigger"),
        pause("First wait", 3),
        set_("Middle", a="1"),
        pause("Second wait", 4),
        set_("End", b="2"),
    )
    answer = await acme.post("/templates", params={"key": "browser-slow"}, json=placed(*nodes))
    assert answer.status_code in (200, 201), answer.text
    return await started(acme, "browser-slow")


async def test_a_run_is_seen_live_until_its_end_without_a_reload(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await slow_run(acme)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await page.evaluate("window.loadedOnce = true")
        await expect(page.locator(".node.state-waiting")).to_have_attribute("id", "n1", timeout=LIVE_MS)
        await expect(page.locator("#waiting")).to_contain_text("First wait waits for a time", timeout=LIVE_MS)
        await picture(page, "run-live")
        await expect(page.locator("#n2")).to_have_class("node family-data state-success", timeout=LIVE_MS)
        await expect(page.locator("#n3")).to_have_class("node family-flow state-waiting", timeout=LIVE_MS)
        await expect(page.locator("h1 .status-completed")).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator("#steps > li")).to_have_count(5)
        assert await page.evaluate("window.loadedOnce"), "the page was not loaded again"
        assert await page.locator(".node.state-success").count() == 5
        await picture(page, "run-completed")


async def test_a_cut_connection_is_told_and_resumed_without_losing_a_step(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await slow_run(acme)
    async with watched_page(browser) as page:
        await sign_in(page, wire, api_keys[0], f"/console/runs/{run}")
        await expect(page.locator("#n1")).to_have_class("node family-flow state-waiting", timeout=LIVE_MS)
        await wire.cut()
        await expect(page.locator("#connection")).to_be_visible(timeout=LIVE_MS)

        async def in_second_wait() -> Any:
            status = (await acme.get(f"/workflows/{run}/status")).json()
            return (status["progress"] or {}).get("active", {}).get("node") == "Second wait"

        try:
            await eventually(in_second_wait, 15)
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
        await page.locator("#panel").get_by_role("link", name="Input").click()
        await expect(page.locator("#panel")).to_contain_text('"name": "Ada"', timeout=LIVE_MS)
        await picture(page, "run-failed")


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
        await expect(paused.locator("td").last).to_contain_text("1.", timeout=LIVE_MS)
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

    run = await eventually(ran, 10)
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
        address = await page.get_by_role("link", name="räud").get_attribute("href")
    async with signed_in(wire, api_keys[0]) as own, signed_in(wire, api_keys[1]) as foreign:
        answer = await own.get(f"{address}&show=1")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert (await foreign.get(address)).status_code == 404
        assert (await own.get(address.replace("file=page", "file=none"))).status_code == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_a_narrow_screen(
    wire: Wire, browser: Any, acme: httpx.AsyncClient, api_keys: tuple[str, str], scheme: str
) -> None:
    run = await started(acme, "failing", {"name": "Ada"})
    await ended(acme, run)
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
        steps, graph = await page.locator("#steps").bounding_box(), await page.locator("#graph").bounding_box()
        assert steps is not None
        assert graph is not None
        assert steps["y"] < graph["y"], "steps come first"
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
