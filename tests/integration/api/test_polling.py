"""Polling triggers: the first poll remembers, a later one starts a run for what is new, and nothing twice."""

import asyncio
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.contract import HttpResponse
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from service.run_templates import RunTemplates
from service.static_data import StaticDataStore
from service.templates import TemplateStore
from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")

ENTRY = "<item><title>{0}</title><link>https://example.com/{0}</link><pubDate>{1}</pubDate></item>"


class Feed:
    """A feed that grows."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.entries: list[tuple[str, str]] = [("old", "Mon, 02 Mar 2026 10:00:00 GMT")]
        self.requests = 0

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """The feed as it is now."""
        del method, options
        self.requests += 1
        await self.answers.wait()
        items = "".join(ENTRY.format(*each) for each in self.entries)
        body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'
        return HttpResponse(200, "OK", [("content-type", "application/rss+xml")], body.encode(), url)


async def test_a_feed_starts_a_run_for_each_poll_that_finds_something(
    acme: httpx.AsyncClient, dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published: polled at once. What was there then is old; a poll that finds nothing leaves no run behind."""
    feed = Feed()
    monkeypatch.setattr(WorkerHttp, "request", lambda _self, *args, **options: feed.request(*args, **options))
    times = {"item": [{"mode": "custom", "cronExpression": "0 0 1 1 *"}]}
    workflow = export(
        "Feed",
        node("Feed", "rssFeedReadTrigger", 1, feedUrl="https://example.com/rss", pollTimes=times),
        set_("Title", seen="={{ $json.title }}"),
    )
    assert (await acme.post("/templates", params={"key": "feed"}, json=workflow)).status_code == 201

    async def remembered() -> Any:
        return (await StaticDataStore(dependencies.database).get("acme", "feed")) or None

    stored = await eventually(remembered)
    assert stored == {"node:Feed": {"lastItemDate": "2026-03-02T10:00:00.000Z"}}
    feed.entries += [("new", "Tue, 03 Mar 2026 10:00:00 GMT"), ("newer", "Wed, 04 Mar 2026 10:00:00 GMT")]
    schedule = dependencies.temporal.get_schedule_handle("acme:feed:Feed:0")
    for requests in (2, 3):  # the third finds nothing
        await asyncio.sleep(1.1)  # Temporal names the runs of a schedule by the second
        await schedule.trigger()

        async def polled(requests: int = requests) -> bool:
            return feed.requests >= requests

        await eventually(polled)

    async def only() -> Any:
        runs = (await acme.get("/workflows", params={"template": "feed"})).json()["items"]
        return runs if [run["status"] for run in runs] == ["completed"] else None

    (run,) = await eventually(only)
    assert run["trigger"] == "poll"
    result = (await acme.get(f"/workflows/{run['workflow_id']}/result")).json()
    assert [each["json"]["seen"] for each in result["outputs"][0]] == ["new", "newer"]
    assert (await remembered())["node:Feed"]["lastItemDate"] == "2026-03-04T10:00:00.000Z"
    assert (await acme.post("/templates/feed/deactivate")).status_code == 200


async def test_polls_that_overlap_start_one_run_for_what_is_new(
    acme: httpx.AsyncClient, dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an outage, when all that was missed begins at once: each reads the same mark, and one moves it."""
    feed = Feed()
    monkeypatch.setattr(WorkerHttp, "request", lambda _self, *args, **options: feed.request(*args, **options))
    times = {"item": [{"mode": "custom", "cronExpression": "0 0 1 1 *"}]}
    trigger = node("Feed", "rssFeedReadTrigger", 1, feedUrl="https://example.com/rss", pollTimes=times)
    workflow = export("Overlap", trigger, set_("Title", seen="={{ $json.title }}"))
    assert (await acme.post("/templates", params={"key": "overlap"}, json=workflow)).status_code == 201
    store = StaticDataStore(dependencies.database)

    async def mark() -> Any:
        return ((await store.get("acme", "overlap")) or {}).get("node:Feed", {}).get("lastItemDate")

    async def begun() -> Any:
        return await mark() == "2026-03-02T10:00:00.000Z"

    await eventually(begun)
    feed.entries.append(("new", "Tue, 03 Mar 2026 10:00:00 GMT"))
    feed.answers.clear()
    schedule = dependencies.temporal.get_schedule_handle("acme:overlap:Feed:0")
    for requests in (2, 3, 4):
        await asyncio.sleep(1.1)  # Temporal names the runs of a schedule by the second
        await schedule.trigger()

        async def asked(requests: int = requests) -> bool:
            return feed.requests >= requests

        await eventually(asked)
    feed.answers.set()

    async def over() -> Any:
        query = "WorkflowId STARTS_WITH 'acme:overlap:poll' AND ExecutionStatus = 'Running'"
        return (await dependencies.temporal.count_workflows(query)).count == 0

    async def listed() -> Any:
        runs = (await acme.get("/workflows", params={"template": "overlap"})).json()["items"]
        return runs if [run["status"] for run in runs] == ["completed"] else None

    await eventually(over)
    (run,) = await eventually(listed)
    result = (await acme.get(f"/workflows/{run['workflow_id']}/result")).json()
    assert [each["json"]["seen"] for each in result["outputs"][0]] == ["new"]
    assert await mark() == "2026-03-03T10:00:00.000Z"
    assert (await acme.post("/templates/overlap/deactivate")).status_code == 200


async def test_a_poll_that_is_asked_again_is_the_one_that_counts(dependencies: Dependencies) -> None:
    """A worker that died after it had saved saves again; another poll with the same mark does not, and changes nothing."""
    store, key = StaticDataStore(dependencies.database), "node:Feed"

    async def save(run: str, before: Any, after: int) -> bool:
        poll = {"key": key, "before": before, "run": run}
        return await store.save("acme", "counts", {key: {"mark": after}}, poll)

    assert await save("one", None, 1)
    assert await save("one", None, 1)
    assert not await save("two", None, 2)
    assert await store.get("acme", "counts") == {key: {"mark": 1}}
    assert await save("two", {"mark": 1}, 2)
    assert not await save("three", {"mark": 1}, 1)
    assert await store.get("acme", "counts") == {key: {"mark": 2}}


async def test_the_first_poll_of_an_export_that_brings_a_mark_counts(
    acme: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """And what its nodes do not change stays as the export has it."""
    times = {"item": [{"mode": "everyHour", "minute": 0}]}
    trigger = node("Feed", "rssFeedReadTrigger", 1, feedUrl="https://example.com/rss", pollTimes=times)
    brought = {"node:Feed": {"lastItemDate": "2026-03-02T10:00:00.000Z"}, "global": {"n": 1}}
    workflow = export("Moved", trigger, set_("Set", seen="=1")) | {"staticData": brought}
    assert (await acme.post("/templates", params={"key": "moved", "activate": False}, json=workflow)).status_code == 201
    templates = RunTemplates(dependencies.database, TemplateStore(dependencies.database))
    template = await dependencies.templates.current("acme", "moved")
    assert template is not None
    assert await templates.static_data("acme", template) == brought
    poll = {"key": "node:Feed", "before": brought["node:Feed"], "run": "one"}
    assert await templates.save_static_data("acme", "moved", {"node:Feed": {"lastItemDate": "later"}}, poll)
    assert await templates.static_data("acme", template) == brought | {"node:Feed": {"lastItemDate": "later"}}


async def test_a_poll_more_often_than_once_a_minute_is_reported_when_it_is_published(acme: httpx.AsyncClient) -> None:
    """n8n refuses to activate it."""
    times = {"item": [{"mode": "custom", "cronExpression": "*/10 * * * * *"}]}
    workflow = export("Fast", node("Feed", "rssFeedReadTrigger", 1, feedUrl="https://example.com/rss", pollTimes=times))
    answer = await acme.post("/templates", params={"key": "fast"}, json=workflow)
    assert answer.status_code == 422
    assert "at least a minute" in answer.text
