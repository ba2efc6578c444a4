"""What steps compute runs on threads, so that nobody who shares the event loop waits for it."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, Final

import pytest

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.expressions.v8 import ScriptsUnavailable
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.host import TemporalHost
from runtime.hosts.threads import TenantThreads
from runtime.interpreter.run_info import RunInfo
from tests.patience import PATIENCE
from tests.unit.expressions.world import run_scripts

SCRIPT: Final = "{{ [$json.n].map(x => `${x + 1}!`).join() }}"
FIELDS: Final = {"values": [{"key": "a", "cssSelector": "b"}]}
STEPS: Final[dict[str, dict[str, Any]]] = {
    "an expression of an inline step": set_node("Step", 200, {"s": f"={SCRIPT}"}, "string"),
    "an expression of a local step": node("Step", "xml", 1, {"mode": "jsonToxml", "dataPropertyName": f"={SCRIPT}"}, 200),
    "an expression of a durable step": node(
        "Step", "wait", 1.1, {"amount": "={{ [$json.n].map(x => x)[0] }}", "unit": "seconds"}, 200
    ),
    "Date & Time": node("Step", "dateTime", 2, {"operation": "getCurrentDate"}, 200),
    "Markdown": node("Step", "markdown", 1, {"mode": "markdownToHtml", "markdown": "# a"}, 200),
    "HTML Extract": node("Step", "htmlExtract", 1, {"dataPropertyName": "h", "extractionValues": FIELDS}, 200),
    "a pattern that RE2 does not know": node(
        "Step", "filter", 2,
        {
            "conditions": {
                "options": {}, "combinator": "and",
                "conditions": [
                    {"leftValue": "={{ $json.h }}", "rightValue": "/b(?!x)/", "operator": {"type": "string", "operation": "regex"}}
                ],
            }
        },
        200,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
async def test_v8_is_asked_on_a_thread(name: str) -> None:
    asked: list[threading.Thread] = []

    def evaluate(sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        asked.append(threading.current_thread())
        return run_scripts(sources, request, seconds, apart=apart, final=final)

    async def sleep(_: float) -> None:
        return

    host = LocalHost(CATALOG, OfflineCapabilities(), sleep=sleep)
    host.evaluator = evaluate
    items: Any = [{"json": {"n": 1, "h": "<b>x</b>"}}]
    _, finished = await run_local(plan_of(chain(START, STEPS[name])), host, RunInfo(execution_id="1"), items)
    assert finished.status == "success", finished.error
    assert asked
    assert threading.main_thread() not in asked


async def test_a_tenant_whose_calls_do_not_end_leaves_threads_for_others() -> None:
    threads, end = TenantThreads(4, 0.5), threading.Event()
    endless = [asyncio.create_task(threads.call("noisy", end.wait)) for _ in range(8)]
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(4):
                assert await threads.call("quiet", lambda: "done") == "done"
    finally:
        end.set()
    assert await asyncio.gather(*endless) == [True] * 8


async def test_a_call_that_is_cancelled_keeps_its_slot_until_its_thread_is_free() -> None:
    """And its caller does not wait for it."""
    threads, begun, end = TenantThreads(1, 1), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait()

    calling = asyncio.create_task(threads.call("a", work))
    await asyncio.to_thread(begun.wait)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert threads._slots.held("a") == 1
    waiting = asyncio.create_task(threads.call("a", lambda: "done"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    end.set()
    assert await waiting == "done"


async def test_a_call_that_is_cancelled_before_its_turn_never_runs() -> None:
    threads, end, ran = TenantThreads(1, 1), threading.Event(), list[str]()
    first = asyncio.create_task(threads.call("a", end.wait))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(threads.call("a", ran.append, "second"))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    end.set()
    await first
    await threads.call("a", ran.append, "third")
    assert ran == ["third"]


def test_a_worker_that_cannot_start_a_process_fails_the_workflow_task_and_no_run() -> None:
    """Temporal tries the task again; a run on this process has nobody who would."""
    error = ScriptsUnavailable("no process")
    assert TemporalHost.passes(object.__new__(TemporalHost), error)
    assert not LocalHost(CATALOG, OfflineCapabilities()).passes(error)
