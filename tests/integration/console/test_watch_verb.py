"""`tempor8 workflow watch`: every step once, over a wire that is cut; and answers from the command line."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar
from typer.testing import CliRunner, Result

from api.dependencies import Dependencies
from cli.support.follow import events_of_lines
from cli.verbs.workflow import app
from tests.exports import export, node, set_
from tests.gates import gate, open_gate
from tests.integration.console.chromium import Wire, serving
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture(scope="module")
async def wire(application: Litestar) -> AsyncIterator[Wire]:
    """The API behind a wire."""
    async with serving(application) as opened:
        yield opened


async def verb(wire: Wire, key: str, *arguments: str) -> Result:
    """What `tempor8 workflow` prints."""
    return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--url", wire.url, "--key", key])


async def test_a_cut_connection_loses_no_step(
    wire: Wire, acme: httpx.AsyncClient, api_keys: tuple[str, str], dependencies: Dependencies
) -> None:
    async def watches() -> bool:
        return wire.connections > 0

    steps = export("Watched", node("Start", "manualTrigger"), gate("Wait"), set_("After", a="1"))
    await acme.post("/templates", params={"key": "watched"}, json=steps)
    run = await started(acme, "watched")
    watching = asyncio.create_task(verb(wire, api_keys[0], "watch", run, "--json"))
    await eventually(watches)
    await wire.cut()
    await wire.mend()
    await eventually(watches)
    await open_gate(acme, dependencies, run, 0)
    done = await watching
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["data"]["node"] for each in events if each["event"] == "step"] == ["Start", "Wait", "After"]
    assert events[-1] == {"event": "end", "data": {"status": "completed", "error": None}}


async def test_a_failed_run_is_an_exit_code_and_a_foreign_one_does_not_exist(
    wire: Wire, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    run = await started(acme, "failing", {"name": "Ada"})
    done = await verb(wire, api_keys[0], "watch", run)
    assert done.exit_code == 1
    assert "✓ Before" in done.stdout
    assert done.stdout.splitlines()[-1] == "failed: No Ada today"
    foreign = await verb(wire, api_keys[1], "watch", run)
    assert foreign.exit_code == 1
    assert "There is no run" in foreign.output


async def test_a_call_is_answered(wire: Wire, acme: httpx.AsyncClient, api_keys: tuple[str, str]) -> None:
    wait = node("Wait", "wait", 1.1, resume="webhook", httpMethod="POST")
    steps = export("Asked", node("Start", "manualTrigger"), wait, set_("After", got="={{ $json.body.n }}"))
    await acme.post("/templates", params={"key": "asked"}, json=steps)
    run = await started(acme, "asked")

    async def waits() -> bool:
        return "call" in (await verb(wire, api_keys[0], "waits", run)).stdout

    await eventually(waits)
    done = await verb(wire, api_keys[0], "answer", run, "--data", '{"n": "5"}')
    assert done.exit_code == 0, done.output
    await ended(acme, run)
    result = (await acme.get(f"/workflows/{run}/result")).json()
    assert result["outputs"][0][0]["json"]["got"] == "5"


def test_events_are_read_as_the_standard_says() -> None:
    lines = [": hello", "", "id: 1", "event: step", 'data: {"a":', "data: 1}", "", "data: 2", "", "data: 3"]
    assert [tuple(each) for each in events_of_lines(lines)] == [("step", "1", {"a": 1}), ("message", "1", 2)]
