"""One tenant's steady load beside every hostile input of another: to every route, and to every kind of node.

`hostile_world` gives servers, a worker and an API as processes with their watchdogs; `attack` sends it all. What the quiet tenant
notices is a row of `make bench ONLY=walls`; that no process stood still is a test.
"""

import asyncio
import contextlib
import json
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from bench.exports import START, Export, chain, node, set_node
from bench.hostile_inputs import TEXTS, HostileRequest, requests, text_of
from bench.webhook import _up, state_folder
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.contract import Trigger
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.embedded.supervise import Supervised
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from schemas.node import Node, declarations
from service.templates import TemplateStore
from service.tenants import TenantStore

__all__ = ["HostileWorld", "attack", "hostile_world", "measure", "node_kinds"]

QUIET, NOISY = "quiet", "noisy"
STEPS: Final = 10
"""Nodes of a workflow: each goes on after its error, so that all of them get the text."""
SENDERS: Final = 2
"""Requests at a time, and as many runs."""
REST_SECONDS: Final = 0.05
"""Between two runs of the quiet tenant."""
IDLE_SAMPLES: Final = 200
WARM_SAMPLES: Final = 20
KINDS: Final = int(os.environ.get("BENCH_HOSTILE", "100"))
"""How many kinds of nodes get texts, three each; 0: all of them, and every text, which takes hours."""
TEXTS_EACH: Final = 3
SEED: Final = 15
RUN_SECONDS: Final = 90.0
TEXT: Final = "={{ $('Start').first().json.text }}"


@dataclass
class HostileWorld:
    """What runs, and what was seen of it."""

    quiet: httpx.AsyncClient
    noisy: httpx.AsyncClient
    processes: Sequence[Supervised]
    pairs: Sequence[tuple[str, str]]
    """Keys of the noisy tenant's templates, each with the name of a text that it gets."""
    runs: list[float] = field(default_factory=list)
    """Seconds of each run of the quiet tenant."""
    attacks: int = 0

    @property
    def ends(self) -> int:
        """How often a process ended, as its watchdog does to it when its loop stands still."""
        return sum(each.restarts for each in self.processes)

    async def steady(self, stop: asyncio.Event, number: int = sys.maxsize) -> None:
        """One run after the other until it is stopped or has done so many, each answered with what it was given. Raise AssertionError."""
        while not stop.is_set() and len(self.runs) < number:
            began, sent = time.perf_counter(), len(self.runs)
            answer = await self.quiet.post(f"/webhook/{QUIET}/steady", json={"number": sent})
            assert answer.status_code == httpx.codes.OK, answer.text
            assert answer.json()["got"] == sent, answer.text
            self.runs.append(time.perf_counter() - began)
            await asyncio.sleep(REST_SECONDS)


async def measure() -> dict[str, Any]:
    """Milliseconds of the 99th of a hundred runs of the quiet tenant, beside the attack (`on`) and alone (`off`), in turns.

    The attack lasts as long as its slowest runs, so `runs`, how many runs of the quiet tenant are beside it, belongs to the figure: a
    node that waits for a server adds runs beside which little happens.
    """
    with state_folder() as folder:
        async with hostile_world(Path(folder)) as world:
            await world.steady(asyncio.Event(), WARM_SAMPLES)
            world.runs.clear()
            alone = await _idle(world)
            world.runs.clear()
            stop = asyncio.Event()
            steady = asyncio.create_task(world.steady(stop))
            await attack(world)
            stop.set()
            await steady
            beside = list(world.runs)
            world.runs.clear()
            alone += await _idle(world)
    found = {"on": _p99(beside), "off": _p99(alone)}
    return {
        "row": "run of another tenant, p99, beside hostile input", "unit": "ms", **found, "ratio": round(found["on"] / found["off"], 2),
        "medians": [round(statistics.median(each) * 1000, 1) for each in (beside, alone)],
        "runs": len(beside), "attacks": world.attacks, "processes_ended": world.ends,
    }  # fmt: skip


async def _idle(world: HostileWorld) -> list[float]:
    """Seconds of runs that nothing disturbs."""
    await world.steady(asyncio.Event(), IDLE_SAMPLES)
    return list(world.runs)


def _p99(seconds: list[float]) -> float:
    return round(statistics.quantiles(seconds, n=100)[98] * 1000, 1)


@contextlib.asynccontextmanager
async def hostile_world(folder: Path, *, watchdog: float = 10, kinds: int = KINDS) -> AsyncIterator[HostileWorld]:
    """Give servers with a worker and an API, whose loops may stand still for `watchdog` seconds, and both tenants' templates."""
    async with AsyncExitStack() as opened:
        profile = await opened.enter_async_context(
            EmbeddedProfile(Settings.load({"TEMPOR8_STATE": str(folder)}), any_ports=True, ui=False)
        )
        port = free_port(0)
        environment = {
            **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "error", "TEMPOR8_PORT": str(port),
            "TEMPOR8_WATCHDOG": str(watchdog), "TEMPOR8_UNKNOWN_RATE": "0", "TEMPOR8_GRACE": "1",
        }  # fmt: skip
        keys, pairs = await _publish(profile.settings(), kinds)
        processes = [
            await opened.enter_async_context(
                Supervised(name, ["-m", "cli.main", name], folder / f"{name}.log", environment)
            )
            for name in ("worker", "serve")
        ]
        await _up(port)
        clients = [
            await opened.enter_async_context(
                httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {keys[tenant]}"}, timeout=RUN_SECONDS
                )
            )
            for tenant in (QUIET, NOISY)
        ]  # fmt: skip
        yield HostileWorld(clients[0], clients[1], processes, pairs)


async def _publish(settings: Settings, kinds: int) -> tuple[dict[str, str], list[tuple[str, str]]]:
    assert settings.database_url is not None
    ring = keyring(settings)
    async with Database(settings.database_url.get_secret_value(), size=2, keys=ring) as database:
        tenants, templates, keys = TenantStore(database, ring), TemplateStore(database), {}
        for tenant in (QUIET, NOISY):
            await tenants.create(tenant)
            keys[tenant] = await tenants.issue(tenant, "bench")
        hook = _hook("steady", "lastNode")
        steady = chain(hook, set_node("Set", 200, {"got": "={{ $json.body.number }}"}))
        targets = [("steady", QUIET, steady), ("neighbour", NOISY, chain(_hook("neighbour"), set_node("Set", 200, {}))),
                   ("neighbour-bots", NOISY, chain(_hook("neighbour-bots", ignoreBots=True), set_node("Set", 200, {}))),
                   ("neighbour-form", NOISY, chain(_form(), set_node("Set", 200, {})))]  # fmt: skip
        targets += [(f"steps-{place}", NOISY, export) for place, export in enumerate(_workflows(kinds))]
        for key, tenant, export in targets:
            compiled = compile_export(export, file=f"{key}.json", catalog=CATALOG)
            assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
            await templates.publish(tenant, key, compiled.plan, json.dumps(export))
    drawn = random.Random(SEED)  # noqa: S311 - which text goes where, no secret
    return keys, [
        (key, name)
        for key, *_ in targets
        if key.startswith("steps-")
        for name in (drawn.sample(list(TEXTS), TEXTS_EACH) if kinds else TEXTS)
    ]


def _hook(path: str, mode: str = "onReceived", **options: Any) -> dict[str, Any]:
    parameters = {"httpMethod": "POST", "path": path, "responseMode": mode, "options": options}
    return node(f"Hook {path}", "webhook", 2, parameters, 0)


def _form() -> dict[str, Any]:
    fields = {"values": [{"fieldLabel": "a"}]}
    parameters = {"formTitle": "F", "formFields": fields, "options": {"path": "neighbour-form"}}
    return node("Form", "formTrigger", 2.2, parameters, 0)


def node_kinds(number: int = 0) -> list[dict[str, Any]]:
    """Return a node of so many kinds that can stand in the middle of a workflow (0: of each), with the text of the run's input in
    every parameter that is a text, but for those that choose what the node does.
    """
    kinds = [
        (type_, place, shape)
        for type_ in CATALOG.types()
        for place, shape in enumerate(CATALOG.shapes(type_))
        if not issubclass(shape, Trigger)
    ]
    random.Random(SEED).shuffle(kinds)  # noqa: S311 - which kinds, no secret
    found = list[dict[str, Any]]()
    for type_, place, shape in kinds:
        bare = {"id": f"{type_}-{place}", "name": f"{type_} {place}", "type": type_, "typeVersion": max(shape.versions)}
        made = _with_text(bare | {"position": [0, 0], "parameters": {}, "onError": "continueRegularOutput"}, shape)
        if made["parameters"] and _compiles(made):
            found.append(made)
        if len(found) == number > 0:
            break
    return found


def _with_text(made: dict[str, Any], shape: type[Node]) -> dict[str, Any]:
    texts = (each for each in declarations(shape).values() if (each.field.annotation, each.field.default) == (str, ""))
    every = {each.alias: TEXT for each in texts}
    if _compiles(made | {"parameters": every}):
        return made | {"parameters": every}
    for name in every:
        if _compiles(made | {"parameters": made["parameters"] | {name: TEXT}}):
            made = made | {"parameters": made["parameters"] | {name: TEXT}}
    return made


def _compiles(each: dict[str, Any]) -> bool:
    """Whether a node can be run between two others: notes and sub-nodes cannot."""
    plan = compile_export(chain(START, each, node("End", "noOp", 1, {}, 400)), file="kind.json", catalog=CATALOG).plan
    return plan is not None and len(plan.steps) == len((START, each, "End"))


def _workflows(number: int) -> list[Export]:
    kinds = node_kinds(number)
    return [chain(START, *kinds[place : place + STEPS]) for place in range(0, len(kinds), STEPS)]


async def attack(world: HostileWorld) -> None:
    """Send every hostile request, and texts to kinds of nodes, a few at a time. Raise AssertionError: an answer says that it is our mistake."""
    to_send, to_run = iter(requests(NOISY)), iter(world.pairs)
    await asyncio.gather(
        *(_send_all(world, to_send) for _ in range(SENDERS)), *(_run_all(world, to_run) for _ in range(SENDERS))
    )


async def _send_all(world: HostileWorld, to_send: Iterator[HostileRequest]) -> None:
    for each in to_send:
        try:
            answer = await _sent(world, each)
        except httpx.TransportError:  # the server closed the connection, as it may: the head was too long
            continue
        finally:
            world.attacks += 1
        assert answer.status_code not in (500, 502), (each.what, each.target[:60], answer.text[:300])


async def _sent(world: HostileWorld, each: HostileRequest) -> httpx.Response:
    """Send it with the bytes that it has: a client that was given text would write it in its own way."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in each.headers.items()]
    return await world.noisy.request(each.method, each.target, headers=headers, content=each.body)


async def _run_all(world: HostileWorld, to_run: Iterator[tuple[str, str]]) -> None:
    for key, name in to_run:
        given = {"workflow_template": key, "input_data": {"text": text_of(name)}}
        answer = await world.noisy.post("/workflows/start", json=given)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        world.attacks += 1
        run = answer.json()["workflow_id"]
        await world.noisy.get(f"/workflows/{run}/result", params={"wait": 30})
        await world.noisy.post(f"/workflows/{run}/cancel")  # some of them wait, as they are told
