"""Every page with what it shows, the actions that it offers, and that another tenant's things do not exist."""

import html
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.repair.models import StuckPage
from tests.exports import export, node, set_
from tests.integration.api.test_repair import failed_runs, publish
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


def token_of(page: httpx.Response) -> str:
    """Return the token of a page's forms."""
    found = TOKEN.search(page.text)
    assert found, page.text
    return found[1]


async def shown(browser: httpx.AsyncClient, path: str, **params: str) -> httpx.Response:
    answer = await browser.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer


async def in_list(acme: httpx.AsyncClient, run: str) -> None:
    """Wait until the tables have the end of a run."""

    async def listed() -> Any:
        items = (await acme.get("/workflows")).json()["items"]
        return any(each["workflow_id"] == run and each["status"] != "running" for each in items)

    await eventually(listed)


async def test_runs_are_filtered_by_the_address(
    browser: httpx.AsyncClient, acme: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    run = await started(acme, "failing", {"name": "<b>Ada</b>"}, user_id="user-17")
    await ended(acme, run)
    await in_list(acme, run)
    page = await shown(browser, "/console/runs", status="failed", template="failing", user_id="user-17", trigger="api")
    assert f'href="/console/runs/{run}"' in page.text
    assert "No &lt;b&gt;Ada&lt;/b&gt; today" in page.text, "texts of runs are no markup"
    assert "No run fits" in (await shown(browser, "/console/runs", user_id="nobody")).text
    assert "No run fits" in (await shown(browser, "/console/runs", until="2020-01-01T00:00")).text
    assert run not in (await shown(stranger, "/console/runs")).text
    for bad in ({"status": "odd"}, {"trigger": "odd"}, {"since": "yesterday"}, {"cursor": "odd"}):
        assert (await browser.get("/console/runs", params=bad)).status_code == 400


async def test_older_runs_are_on_further_pages(
    browser: httpx.AsyncClient, acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.run_list.PER_PAGE", 1)
    runs = [await started(acme, "greeting") for _ in range(2)]
    for run in runs:
        await ended(acme, run)
        await in_list(acme, run)
    one = await shown(browser, "/console/runs", template="greeting")
    older = re.search(r'rel="next" href="([^"]+)"', one.text)
    assert older
    two = await shown(browser, older[1].replace("&amp;", "&"))
    ids = [set(re.findall(r'href="/console/runs/(acme:greeting:[^"]+)"', each.text)) for each in (one, two)]
    assert len(ids[0]) == len(ids[1]) == 1
    assert ids[0] != ids[1]
    assert "Newest" in two.text


async def test_a_run_has_its_graph_errors_first_and_the_items_of_its_nodes(
    browser: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    run = await started(acme, "failing", {"name": "Ada", "password": "hunter2hunter2"})
    await ended(acme, run)
    page = await shown(browser, f"/console/runs/{run}")
    text = page.text
    assert text.index("No Ada today") < text.index("<svg")
    assert 'class="node family-data state-success"' in text
    assert 'class="node family-flow state-error"' in text
    assert 'class="edge went"' in text
    before = await shown(browser, f"/console/runs/{run}/node", name="Before", side="input")
    assert "Ada" in before.text
    assert "hunter2" not in before.text, "secrets are masked"
    assert "reached" in (await shown(browser, f"/console/runs/{run}/node", name="Before")).text
    assert "Nothing is known" in (await shown(browser, f"/console/runs/{run}/node", name="Nobody")).text
    assert (await browser.get(f"/console/runs/{run}/node", params={"name": "Before", "side": "up"})).status_code == 400


async def test_items_come_in_pages(browser: httpx.AsyncClient, acme: httpx.AsyncClient) -> None:
    run = await started(acme, "greeting", [{"name": f"number-{number:02}"} for number in range(45)])
    await ended(acme, run)
    first = await shown(browser, f"/console/runs/{run}/node", name="Greet")
    assert "45 items, 1 to 20" in first.text
    assert "number-19" in first.text
    assert "number-20" not in first.text
    last = await shown(browser, f"/console/runs/{run}/node", name="Greet", since="40")
    assert "number-44" in last.text
    assert "Later items" not in last.text


async def test_a_run_is_cancelled_and_tried_again(browser: httpx.AsyncClient, acme: httpx.AsyncClient) -> None:
    slow = export("Slow", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=60), set_("After", a="1"))
    await acme.post("/templates", params={"key": "console-slow"}, json=slow)
    run = await started(acme, "console-slow")

    async def waits() -> Any:
        return "waits" in (await browser.get(f"/console/runs/{run}")).text

    await eventually(waits)
    page = await shown(browser, f"/console/runs/{run}")
    assert "state-waiting" in page.text
    assert 'hx-sse:connect="/console/runs/' in page.text
    gone = await browser.post(f"/console/runs/{run}/cancel", data={"csrf": token_of(page)})
    assert gone.headers["location"] == f"/console/runs/{run}"
    assert (await ended(acme, run))["status"] == "canceled"
    again = await browser.post(f"/console/runs/{run}/cancel", data={"csrf": token_of(page)})
    assert again.status_code == 409
    assert "nothing to cancel" in again.text
    retried = await browser.post(f"/console/runs/{run}/retry", data={"csrf": token_of(page), "begin": "start"})
    assert retried.status_code == 303, retried.text
    new = retried.headers["location"].rpartition("/")[2]
    assert (await shown(browser, f"/console/runs/{new}")).status_code == 200
    await acme.post(f"/workflows/{new}/cancel")
    actions = [each["action"] for each in (await acme.get("/audit", params={"limit": 50})).json()["items"]]
    assert {"run.cancel", "run.retry"} <= set(actions)


async def test_a_cause_is_previewed_and_its_runs_are_tried_again(
    browser: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    await failed_runs(acme, "console-cause", "aaab")
    page = await shown(browser, "/console/failures", template="console-cause")
    assert '3 × <a href="/console/templates/console-cause">console-cause</a>: Check' in page.text
    assert "has no address" in page.text
    await publish(acme, "console-cause", mended=True)
    fields = {"csrf": token_of(page), "template": "console-cause", "version": "current"}
    preview = await browser.post("/console/failures/retry", data=fields | {"do": "preview"})
    assert "4 of 4 failed runs would be started again" in preview.text
    assert "Retry 4 runs" in preview.text
    done = await browser.post("/console/failures/retry", data=fields | {"do": "retry"})
    assert "4 of 4 failed runs were started again" in done.text
    new = re.findall(r'<td><a href="/console/runs/(acme:console-cause:[^"]+)"', done.text)
    assert {(await ended(acme, each))["status"] for each in new[1::2]} == {"completed"}
    row = next(each for each in (await acme.get("/audit")).json()["items"] if each["action"] == "run.retry_many")
    assert (row["object"], row["outcome"], row["actor"]["kind"]) == ("template/console-cause", "done", "key")


async def test_failed_runs_of_a_filtered_list_are_previewed_and_tried_again(
    browser: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    """Whose runs they are and what they declare chooses among them, as in the list; the others stay as they are."""
    declare = node("Note", "executionData", 1, dataToSave={"values": [{"key": "order", "value": "={{ $json.order }}"}]})
    stop = node("Stop", "stopAndError", 1, errorMessage="Nobody is there")
    flow = export("Chosen", node("Start", "manualTrigger"), declare, stop)
    assert (await acme.post("/templates", params={"key": "console-chosen"}, json=flow)).status_code == 201
    places = [("ada", 1), ("ada", 2), ("bob", 1)]
    runs = [await started(acme, "console-chosen", {"order": order}, user_id=user) for user, order in places]
    for run in runs:
        await ended(acme, run)
        await in_list(acme, run)
    page = await shown(browser, "/console/runs", template="console-chosen", user_id="ada", field="order=1")
    form = page.text.partition('action="/console/failures/retry"')[2].partition("</form>")[0]
    fields = {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }
    preview = await browser.post("/console/failures/retry", data=fields | {"do": "preview"})
    assert "1 of 1 failed runs would be started again" in preview.text
    assert "user ada · data order=1" in preview.text
    assert runs[0] in preview.text
    assert 'href="/console/runs?template=console-chosen' in preview.text, "and back to the list"
    assert "Retry failed runs" not in (await shown(browser, "/console/runs", status="completed")).text
    for bad in ({"field": "order"}, {"trigger": "odd"}, {"since": "yesterday"}, {"status": "completed"}):
        answer = await browser.post("/console/failures/retry", data=fields | bad | {"do": "preview"})
        assert answer.status_code == 400, bad
    done = await browser.post("/console/failures/retry", data=fields | {"do": "retry"})
    assert "1 of 1 failed runs were started again" in done.text


async def test_last_runs_are_shown_by_template(browser: httpx.AsyncClient, acme: httpx.AsyncClient) -> None:
    run = await started(acme, "greeting")
    await ended(acme, run)
    await in_list(acme, run)
    assert "/console/runs/by-template" in (await shown(browser, "/console/runs")).text
    part = await shown(browser, "/console/runs/by-template")
    assert f'class="dot status-completed" href="/console/runs/{run}"' in part.text
    assert 'href="/console/runs?template=greeting"' in part.text


async def test_templates_show_versions_verdicts_and_diagnostics_and_are_switched(
    browser: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    for text in ("one", "two"):
        hook = node("Hook", "webhook", 2, path="console-switched", httpMethod="POST")
        answer = await acme.post(
            "/templates", params={"key": "console-switched"}, json=export("S", hook, set_("Set", a=text))
        )
        assert answer.status_code == 201, answer.text
    assert "console-switched" in (await shown(browser, "/console/templates")).text
    path = "/console/templates/console-switched"
    page = await shown(browser, path)
    assert "<svg" in page.text
    version = await shown(browser, f"{path}/versions/1")
    assert "exact" in version.text
    assert "Diagnostics" in version.text
    token = token_of(page)
    assert (await browser.post(f"{path}/activate", data={"csrf": token, "version": "1"})).status_code == 303
    assert (await acme.get("/templates/console-switched/versions")).json()["items"][1]["current"]
    assert (await browser.post(f"{path}/deactivate", data={"csrf": token})).status_code == 303
    assert "inactive" in (await shown(browser, path)).text
    actions = [each["action"] for each in (await acme.get("/audit")).json()["items"][:2]]
    assert actions == ["template.deactivate", "template.activate"]
    assert (await browser.get("/console/templates/nobody")).status_code == 404
    assert (await browser.get(f"{path}/versions/7")).status_code == 404


async def test_agents_and_stuck_runs_have_pages(browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: Any) -> StuckPage:  # runs of other tests have problems, too, when the machine is slow
        return StuckPage(causes=[], items=[], next_cursor=None)

    monkeypatch.setattr("api.console.failure_pages.stuck_page", none)
    agents = await shown(browser, "/console/agents")
    slug = re.search(r'href="(/console/agents/[^"]+)"', agents.text)
    assert slug
    assert "Rules" in (await shown(browser, slug[1])).text
    assert (await browser.get("/console/agents/nobody")).status_code == 404
    assert "No run is stuck" in (await shown(browser, "/console/stuck")).text


async def test_another_tenants_address_is_not_found(
    browser: httpx.AsyncClient, stranger: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    run = await started(acme, "greeting")
    await ended(acme, run)
    parts = (
        "",
        "/events",
        "/node?name=Start",
        "/timeline",
        "/agents",
        "/answer",
        "/edit?name=Greet",
        f"/diff?other={run}",
    )
    pages = [f"/console/runs/{quote(run)}{part}" for part in parts]
    pages += ["/console/templates/failing", "/console/templates/failing/versions/1"]
    pages += ["/console/templates/failing/diff?before=1&after=1"]
    for path in pages:
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("text/html")
        assert (await browser.get(path.replace("/events", ""))).status_code == 200, path


async def test_the_events_of_a_run_are_parts_of_its_page(browser: httpx.AsyncClient, acme: httpx.AsyncClient) -> None:
    brief = export("Brief", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=8), set_("After", a="1"))
    await acme.post("/templates", params={"key": "console-brief"}, json=brief)
    run = await started(acme, "console-brief")
    stream = (await browser.get(f"/console/runs/{run}/events", params={"after": 0})).text
    assert 'hx-target="#n0"' in stream
    assert "state-waiting" in stream
    assert stream.count('hx-target="#steps"') == 3
    assert "event: run-end" in stream
    later = (await browser.get(f"/console/runs/{run}/events", headers={"Last-Event-ID": "2"})).text
    assert later.count('hx-target="#steps"') == 1
    assert 'id="step-2"' in later
