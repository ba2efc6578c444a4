"""Everything is killed with -9 under load: no run is lost, none ends twice, and no effect is forgotten.

The network between worker and Temporal is cut, the disk for payloads is full, clocks jump: the same holds.

`make test` does each once; `make chaos` a hundred times (CHAOS_KILLS), in an order drawn from CHAOS_SEED.
"""

import asyncio
import contextlib
import json
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

import cli.support.stack
from cli.support.stack import Stack, stack
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.credential_store import credential_store
from runtime.platform.embedded.fake_vendor import StandIn
from runtime.platform.embedded.supervise import Supervised
from runtime.platform.settings import Settings
from service.publishing import publish
from tests.chaos.faults import Clock, FullDisk, Wire
from tests.exports import export, node, set_

TENANT: Final = "chaos"
FINAL: Final = frozenset({"completed", "failed", "canceled", "terminated", "timed_out"})
RUNS_PER_KILL: Final = 6
PATIENCE: Final = 120.0
"""Seconds after the last kill by which every run must have ended, and by which every delivery must be taken."""
PER_KILL: Final = 4.0
"""More seconds for each kill: what could not run meanwhile runs afterwards, and what failed often is tried less often."""


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder that Postgres' own user can reach."""
    with tempfile.TemporaryDirectory(prefix="tempor8-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def workflows(vendor: str) -> dict[str, dict[str, Any]]:
    """A mixed load: a webhook, an effect per item, a wait, a sub-workflow with an agent and an effect of its own, a schedule."""
    fields = {"method": "POST", "sendBody": True, "specifyBody": "json"}
    per_item = node(
        "Send", "httpRequest", 4.2, url=f"{vendor}/item", **fields, options={},
        jsonBody="={{ JSON.stringify({ id: $json.id, item: $json.item }) }}",
    )  # fmt: skip
    made = export(
        "Load",
        node("Hook", "webhook", 2, path="load", httpMethod="POST", responseMode="onReceived", options={}),
        node("Items", "code", 2, jsCode=(  # too much for a history, and another payload in each run
            "return [0, 1].map(item => ({ json: { id: $json.body.id, item, bulk: String($json.body.id).repeat(50000) } }))"
        )),
        per_item,
        node("Wait", "wait", 1.1, amount=0.5),
        node("Call", "executeWorkflow", 1.2, workflowId={"__rl": True, "mode": "id", "value": "sub"}, options={},
             mode="once"),
        set_("Done", done="yes"),
    )  # fmt: skip
    tick = export(
        "Tick",
        node("Every", "scheduleTrigger", 1.2, rule={"interval": [{"field": "seconds", "secondsInterval": 1}]}),
        node("Tell", "httpRequest", 4.2, url=f"{vendor}/tick", **fields, options={},
             jsonBody="={{ JSON.stringify({ id: $execution.id }) }}"),
    )  # fmt: skip
    sub = export(
        "Sub",
        node("Called", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        node("Think", "agent", 2.2, promptType="define", text="Go on?", options={})
        | {"type": "@n8n/n8n-nodes-langchain.agent", "executeOnce": True},
        node("Tell", "httpRequest", 4.2, url=f"{vendor}/sub", **fields, options={}, executeOnce=True,
             jsonBody="={{ JSON.stringify({ id: $('Called').first().json.stand_in }) }}"),
    )  # fmt: skip
    model = node("Model", "lmChatOpenAi", 1.2, model={"__rl": True, "mode": "id", "value": "m"}, options={})
    sub["nodes"].append(
        model
        | {
            "type": "@n8n/n8n-nodes-langchain.lmChatOpenAi",
            "credentials": {"openAiApi": {"id": "1", "name": "vendor"}},
        }
    )
    wire = {"node": "Think", "type": "ai_languageModel", "index": 0}
    sub["connections"]["Model"] = {"ai_languageModel": [[wire]]}
    return {"load": made, "sub": sub, "tick": tick}


class Load:
    """Sends webhooks, each until it is taken, as senders do; a delivery that comes twice is one run."""

    def __init__(self, url: str) -> None:
        self.url, self.taken = url, 0

    async def send(self, number: int) -> None:
        """One delivery."""
        async with httpx.AsyncClient(timeout=10) as client:
            while True:
                try:
                    answer = await client.post(
                        f"{self.url}/webhook/{TENANT}/load", json={"id": number},
                        headers={"webhook-id": f"delivery-{number}"},
                    )  # fmt: skip
                    if answer.status_code == httpx.codes.OK:
                        self.taken += 1
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.3)


def victims(up: Stack, wire: Wire, clock: Clock) -> dict[str, Callable[[], Awaitable[None]]]:
    """How to do each harm; worker and API come back by themselves, Temporal and Postgres are started again."""
    profile = up.profile
    admin = profile.addresses.database_admin_url
    assert admin is not None

    async def network() -> None:
        await wire.cut(9)  # longer than heartbeats and workflow tasks wait: somebody else would take over

    async def disk() -> None:
        await FullDisk(admin).fill(2)

    async def time_jumps() -> None:
        for seconds in (7200, -7200, 0):
            clock.jump(seconds)
            await asyncio.sleep(2)

    async def worker() -> None:
        up.worker.kill()

    async def api() -> None:
        up.api.kill()

    async def temporal() -> None:
        profile.temporal.process.kill()
        await profile.temporal.process.wait()
        await profile.temporal.start()

    async def postgres() -> None:
        profile.postgres.process.kill()
        await profile.postgres.process.wait()
        await profile.postgres.start()

    return {
        "worker": worker, "temporal": temporal, "api": api, "postgres": postgres,
        "network": network, "disk": disk, "clock": time_jumps,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def around(folder: Path, monkeypatch: pytest.MonkeyPatch, *, jumping: bool) -> AsyncIterator[tuple[Wire, Clock]]:
    """A wire between worker and Temporal, and a clock of worker and API, where it is to jump: a false clock costs time."""
    wire, clock = Wire(), Clock(folder)
    await wire.start()
    child = cli.support.stack._child

    def harmed(name: str, arguments: list[str], logs: Path, environment: Mapping[str, str]) -> Supervised:
        changed = dict(environment)
        if jumping and name in ("worker", "api"):
            changed |= clock.environment()
        if name == "worker":
            changed["TEMPORAL_ADDRESS"] = wire.to(changed["TEMPORAL_ADDRESS"])
        return child(name, arguments, logs, changed)

    monkeypatch.setattr(cli.support.stack, "_child", harmed)
    try:
        yield wire, clock
    finally:
        await wire.stop()


async def storm(folder: Path, kills: list[str], monkeypatch: pytest.MonkeyPatch, *, first: int = RUNS_PER_KILL) -> None:
    """The load (`first` runs at once, more after each kill), the kills, and what must be true afterwards."""
    settings = Settings.load({"TEMPOR8_STATE": str(folder), "TEMPOR8_PORT": "0"})
    with StandIn() as vendor:
        async with around(folder, monkeypatch, jumping="clock" in kills) as (wire, clock), stack(settings) as up:
            await up.tenants.create(TENANT, "Chaos")
            key = await up.tenants.issue(TENANT, "chaos")
            await up.tenants.allow_egress(TENANT, [vendor.url.removeprefix("http://")])
            store = credential_store(up.settings, up.database, up.keys)
            await store.put(TENANT, "openAiApi", "vendor", {"apiKey": "none", "url": f"{vendor.url}/v1"})
            for name, document in workflows(vendor.url).items():
                compiled = compile_export(json.dumps(document), file=f"{name}.json", catalog=CATALOG)
                assert await publish(up.templates, TENANT, name, compiled), compiled.diagnostics
            load, total = Load(up.url), first + RUNS_PER_KILL * len(kills)
            sending = [asyncio.create_task(load.send(i)) for i in range(first)]
            kill, last = victims(up, wire, clock), first
            for name in kills:
                await asyncio.sleep(random.uniform(0.3, 1.5))  # noqa: S311 - when it hurts most is not known
                await kill[name]()
                sending += [asyncio.create_task(load.send(i)) for i in range(last, last + RUNS_PER_KILL)]
                last += RUNS_PER_KILL
            patience = PATIENCE + PER_KILL * len(kills)
            await asyncio.wait_for(asyncio.gather(*sending), patience)
            assert load.taken == total
            runs = await ended(up, key, "load", total, patience)
            await up.templates.deactivate(TENANT, "tick")
            ticks = await ended(up, key, "tick", None, patience)
        effects: dict[Any, list[str | None]] = defaultdict(list)
        for each in vendor.requests:
            if each.path == "/item" and isinstance(each.body, dict):  # else its sender was killed in the middle of it
                effects[each.body["id"], each.body["item"]].append(each.key())
    assert {status for status, _ in runs} == {"completed"}, "each run has one end, and it is success"
    wanted = {(number, item) for number in range(total) for item in (0, 1)}
    assert set(effects) == wanted, "every effect happened"
    assert all(len(set(keys)) == 1 for keys in effects.values()), "a repeated effect carries the same Idempotency-Key"
    repeated = sum(len(keys) - 1 for keys in effects.values())
    assert repeated <= 2 * RUNS_PER_KILL * len(kills), "what is repeated was under way when something was killed"
    ticked: dict[Any, set[str | None]] = defaultdict(set)
    for each in vendor.requests:
        if each.path == "/tick" and isinstance(each.body, dict):
            ticked[each.body["id"]].add(each.key())
    assert {status for status, _ in ticks} == {"completed"}, "a schedule's runs end, too"
    assert set(ticked) == {workflow_id for _, workflow_id in ticks}, "each of them did what it is for, and no other did"
    assert all(len(keys) == 1 for keys in ticked.values())
    thoughts = sum(each.path.endswith("/chat/completions") for each in vendor.requests)
    assert total <= thoughts <= total + RUNS_PER_KILL * len(kills), "an agent thinks again only where it was cut off"
    assert not orphans(folder), "no process is left"


async def ended(up: Stack, key: str, template: str, total: int | None, patience: float) -> list[tuple[str, str]]:
    """(status, workflow id) of every run of a template, as the API's rows say once nothing is open any more. `total`: None
    where nobody knows how many there are: then two looks in a row must find the same.
    """
    before: list[tuple[str, str]] | None = None
    deadline = time.monotonic() + patience
    found: list[tuple[str, str]] = []
    async with httpx.AsyncClient(base_url=up.url, headers={"X-API-Key": key}, timeout=20) as client:
        while time.monotonic() < deadline:
            found, cursor = [], None
            try:
                while True:
                    params: dict[str, Any] = {"template": template, "limit": 200} | (
                        {"cursor": cursor} if cursor else {}
                    )
                    page = (await client.get("/workflows", params=params)).json()
                    found += [(each["status"], each["workflow_id"]) for each in page["items"]]
                    cursor = page["next_cursor"]
                    if cursor is None:
                        break
            except (httpx.TransportError, KeyError):
                await asyncio.sleep(0.5)
                continue
            settled = len(found) == total if total is not None else found == before and len(found) > 0
            before = found
            if settled and all(status in FINAL for status, _ in found):
                for status, workflow_id in found:
                    told = (await client.get(f"/workflows/{workflow_id}/status")).json()
                    assert told["status"] == status, "the rows say what Temporal says"
                return found
            await asyncio.sleep(0.5 if total is not None else 3)
    raise AssertionError(
        f"{len(found)} of {total} runs are known, open: {[each for each in found if each[0] not in FINAL]}"
    )


def orphans(folder: Path) -> list[str]:
    """Command lines of processes that still work in the folder."""
    lines = (path.read_bytes().replace(b"\0", b" ").decode(errors="replace") for path in _processes())
    return [line for line in lines if str(folder) in line]


def _processes() -> Iterator[Path]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            path.read_bytes()
        except OSError:
            continue
        yield path


@pytest.mark.timeout(400)
async def test_each_server_is_killed_once(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await storm(state, ["worker", "temporal", "api", "postgres"], monkeypatch)


@pytest.mark.timeout(400)
async def test_the_network_is_cut_and_the_disk_is_full(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await storm(state, ["network", "disk"], monkeypatch)


@pytest.mark.timeout(400)
async def test_the_clock_jumps(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if Clock.library() is None:
        pytest.skip("libfaketime is not here: apt-get install libfaketime")
    await storm(state, ["clock"], monkeypatch)


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_more_runs_at_once_than_the_machine_can_do_repeat_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that starve would miss their heartbeats and be done again, by a worker that has even less time then."""
    await storm(state, [], monkeypatch, first=250)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
async def test_everything_is_killed_again_and_again(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = random.Random(os.environ.get("CHAOS_SEED") or None)  # noqa: S311 - the point is to draw it again
    names = ["worker", "worker", "temporal", "api", "postgres", "network", "disk"]
    kills = [drawn.choice(names) for _ in range(int(os.environ.get("CHAOS_KILLS", "100")))]
    await storm(state, kills, monkeypatch)
