"""A workflow with one AI root, and a world whose only inhabitant is the stand-in for vendors on the loopback."""

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import httpx

from compiler.pipeline import compile_export
from runtime.catalog import CATALOG
from runtime.contract import Durable, DurableContext, HttpResponse, LimitReached, MissingCredential, NodeApiError
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.connection_errors import connection_error
from runtime.interpreter.execution import Execution
from runtime.interpreter.run_info import RunInfo
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.item import Item, Items
from schemas.node import Node
from schemas.outcome import Finished
from schemas.plan import Plan

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the certificates anew for every request would take 50 ms
LANGCHAIN = "@n8n/n8n-nodes-langchain."


def node(
    name: str, type_: str, version: float, parameters: Mapping[str, Any] | None = None, **rest: Any
) -> dict[str, Any]:
    """A node of an export. A type without a package is one of n8n's AI nodes."""
    full = type_ if "." in type_ else LANGCHAIN + type_
    base = {"id": name, "name": name, "type": full, "typeVersion": version, "position": [0, 0]}
    return base | {"parameters": dict(parameters or {})} | rest


def model(version: float = 1.2, **options: Any) -> dict[str, Any]:
    """An OpenAI chat model called Model."""
    named: Any = {"__rl": True, "mode": "list", "value": "gpt-4o-mini"} if version >= 1.2 else "gpt-4o-mini"
    return node(
        "Model",
        "lmChatOpenAi",
        version,
        {"model": named, "options": options},
        credentials={"openAiApi": {"id": "1", "name": "key"}},
    )


def workflow(
    root: dict[str, Any], *parts: tuple[dict[str, Any], str] | tuple[dict[str, Any], str, str]
) -> dict[str, Any]:
    """Trigger -> root, with sub-nodes: (node, connection type[, whom it serves])."""
    connections: dict[str, Any] = {"Start": {"main": [[{"node": root["name"], "type": "main", "index": 0}]]}}
    for part in parts:
        target = part[2] if len(part) > 2 else root["name"]
        connections[part[0]["name"]] = {part[1]: [[{"node": target, "type": part[1], "index": 0}]]}
    nodes = [node("Start", "n8n-nodes-base.manualTrigger", 1), root, *(part[0] for part in parts)]
    return {
        "id": "wf1",
        "name": "w",
        "nodes": nodes,
        "connections": connections,
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }


def plan_of(export: Mapping[str, Any]) -> Plan:
    """The compiled plan. Fails with the diagnostics."""
    compiled = compile_export(json.dumps(export), file="test.json", catalog=CATALOG)
    assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
    return compiled.plan


class World(OfflineCapabilities):
    """Requests reach the stand-in; chat memory lasts as long as the object."""

    def __init__(
        self,
        stand_in: StandIn,
        *,
        credential: bool = True,
        services: Mapping[str, str] | None = None,
        **capabilities: Any,
    ) -> None:
        super().__init__(http=self, credentials=self, chat_memory=self, models=self, log=self, **capabilities)
        self.token_limit = 1_000_000
        self.requests_left = -1
        """Model requests that are admitted; negative: any number."""
        self.spent: list[tuple[str, int, float | None]] = []
        self.stand_in, self.credential, self.operator = stand_in, credential, dict(services or {})
        self.chats: dict[str, list[dict[str, Any]]] = {}
        self.logged: list[tuple[str, dict[str, Any]]] = []

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        try:
            async with httpx.AsyncClient(verify=PLAIN, timeout=options.get("timeout", 60.0)) as client:
                response = await client.request(
                    method, url, headers=options.get("headers"), content=options.get("content")
                )
        except httpx.ConnectError:
            raise NodeApiError("The service refused the connection - perhaps it is offline") from None
        except httpx.HTTPError as error:
            raise connection_error(error, url, options.get("timeout", 60.0)) from error
        return HttpResponse(
            response.status_code, response.reason_phrase, list(response.headers.items()), response.content
        )

    async def stream(self, url: str, *, hear: Callable[[bytes], None], **options: Any) -> HttpResponse:
        taken = bytearray()
        try:
            async with (
                httpx.AsyncClient(verify=PLAIN, timeout=options["timeout"]) as client,
                client.stream(
                    options.get("method", "POST"), url, headers=options["headers"], content=options["content"]
                ) as response,
            ):
                async for piece in response.aiter_bytes():
                    taken += piece
                    if response.status_code < 400:
                        hear(piece)
        except httpx.HTTPError as error:
            raise connection_error(error, url, options["timeout"]) from error
        return HttpResponse(response.status_code, response.reason_phrase, list(response.headers.items()), bytes(taken))

    async def admit(self, node: str, *, priced: bool) -> None:
        del priced
        if self.requests_left == 0:
            raise LimitReached("The limit of 2 model requests for one run is reached", data={"limit": {"scope": "run"}})
        self.spent.append((node, 0, None))

    async def spend(self, node: str, *, tokens: int, cost_usd: float | None, seconds: float) -> None:
        del seconds
        self.requests_left -= 1
        self.spent[-1] = (node, tokens, cost_usd)

    async def post(
        self, service: str, path: str, body: Any, *, timeout: float = 300.0, key: str = ""
    ) -> HttpResponse | None:
        if service not in self.operator:
            return None
        url, content = self.operator[service] + path, json.dumps(body).encode()
        headers = [("Idempotency-Key", key)] if key else []
        return await self.request("POST", url, content=content, headers=headers, timeout=timeout)

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        del item, restricted
        if not self.credential:
            raise MissingCredential(f"The tenant has no credential {type_}")
        return {"apiKey": "sk-test", "url": f"{self.stand_in.url}/v1"}

    async def load(self, key: str, limit: int) -> list[dict[str, Any]]:
        return self.chats.get(key, [])[-limit:]

    async def append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        self.chats.setdefault(key, []).extend(map(dict, messages))

    async def replace(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        self.chats[key] = list(map(dict, messages))

    def info(self, event: str, **facts: Any) -> None:
        self.logged.append((event, facts))


async def run(
    export: Mapping[str, Any],
    world: World,
    items: Sequence[Mapping[str, Any]],
    *,
    start: str | None = None,
    others: Mapping[str, Mapping[str, Any]] | None = None,
    execution_id: str = "run-1",
    streams: bool = False,
) -> tuple[Execution, Finished]:
    """Run an export to its end, without waiting."""

    async def no_sleep(seconds: float) -> None:
        world.logged.append(("sleep", {"seconds": seconds}))

    def library(reference: Mapping[str, Any]) -> Plan | None:
        workflow_ = (others or {}).get(reference.get("id", ""))
        return plan_of(workflow_) if workflow_ is not None else None

    host = LocalHost(CATALOG, world, sleep=no_sleep, library=library)
    start_items: list[Item] = [
        {"json": each["json"], "binary": each["binary"]} if "binary" in each else {"json": dict(each.get("json", each))}
        for each in items
    ]
    plan = plan_of(export)
    first = plan.step[start] if start else None
    return await run_local(plan, host, RunInfo(execution_id=execution_id, streams=streams), start_items, start=first)


def outputs(execution: Execution, name: str) -> Any:
    """What a node gave: the json of its items, per output."""
    run_outputs = execution.engine.runs[name][-1]["outputs"]
    return [None if each is None else [item["json"] for item in each] for each in run_outputs]


def text_answer(text: str) -> dict[str, Any]:
    """A scripted answer in text."""
    return {"content": text}


def calls(name: str, arguments: Any, id_: str = "call_1") -> dict[str, Any]:
    """A scripted tool call."""
    return {
        "tool_calls": [{"id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}]
    }


class Stage:
    """A DurableContext over a plan without expressions, for tests that play the host themselves."""

    agent: str | None = None
    streams = False
    run_index = 0
    continue_on_fail = False
    execution_id = "run-1"
    arguments: Mapping[str, Any] = {}

    def __init__(self, plan: Plan, name: str, items: Sequence[Mapping[str, Any]]) -> None:
        self.plan, self.name, self.version = plan, name, plan.step[name].version
        self.workflow = {"id": plan.workflow_id, "name": plan.name, "active": False}
        self.items: Items = [{"json": dict(each)} for each in items]

    def resolve(self, node: Node, i: int) -> Node:
        del i
        return node

    def patched(self, change: str) -> bool:
        del change
        return True

    def raw(self, name: str) -> Mapping[str, Any]:
        return self.plan.step[name].parameters

    def subnodes(self, connection: str, of: str | None = None) -> Sequence[str]:
        return self.plan.step[of or self.name].subnodes.get(connection, ())

    def subnode(self, name: str, i: int, arguments: Mapping[str, Any] | None = None) -> tuple[Node, float]:
        del i, arguments
        return bound(self.plan, name), self.plan.step[name].version


def bound(plan: Plan, name: str) -> Node:
    """The node of a step, with its parameters as written."""
    step = plan.step[name]
    assert not step.expressions, "this helper evaluates nothing"
    cls = CATALOG.find(step.type, step.version, step.parameters, step.subnodes)
    assert cls is not None
    return cls.bind(step.parameters, step.version)


def driver(export: Mapping[str, Any], name: str, items: Sequence[Mapping[str, Any]]) -> tuple[Durable, DurableContext]:
    """The reducer of a node, and the context it would have in a run."""
    plan = plan_of(export)
    reducer = bound(plan, name)
    assert isinstance(reducer, Durable)
    return reducer, cast(DurableContext, Stage(plan, name, items))
