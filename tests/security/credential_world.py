"""Two servers on the loopback interface, and a worker's own HTTP and credentials for nodes that run on the local host."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from cli.testing.case import as_item, plan_of
from runtime.catalog import CATALOG
from runtime.hosts.capabilities import CapabilityHost
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.capabilities.credentials import WorkerCredentials
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.service_pauses import ServicePauses
from runtime.interpreter.run_info import RunInfo
from runtime.platform.credentials import CredentialMissing
from runtime.platform.egress_clients import EgressClients
from runtime.platform.settings import Settings
from runtime.platform.token_cache import TokenCache
from schemas.task import Task

TENANT = "acme"


class Server:
    """Answers by path, and keeps what came in: the whole of each request as text."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.answers: dict[str, str] = {}
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port."""
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"
        self.url = f"http://{self.host}"

    def stop(self) -> None:
        """Listen no more."""
        self._listening.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        self.seen.append(head + (await reader.readexactly(length)).decode("latin-1"))
        path = head.split(" ")[1].partition("?")[0]
        writer.write(self.answers.get(path, answer("{}")).encode())
        await writer.drain()
        writer.close()


def answer(body: str, status: str = "200 OK", *headers: str) -> str:
    """Return a response."""
    lines = ["HTTP/1.1 " + status, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", body])


def redirect(location: str, status: int = 302) -> str:
    """Return a redirect."""
    return answer("", f"{status} Elsewhere", f"Location: {location}")


@dataclass
class Keys:
    """A store of credentials: by type, under any name."""

    by_type: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """Return the fields."""
        if type_ not in self.by_type:
            raise CredentialMissing(tenant, type_, name)
        return self.by_type[type_]


class Renewals:
    """Renewals of tokens that nobody else wants."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def renew(self, key: tuple[str, str, str], refused: str | None, ask: Any) -> Mapping[str, Any]:
        """Return the fields with what the server answers."""
        del refused
        data = await self._keys.get(*key)
        return {**data, "oauthTokenData": await ask(data)}


class World(OfflineCapabilities):
    """The capabilities of offline runs, with the worker's HTTP and credentials in place of their fakes."""

    def __init__(self, keys: Keys, resources: Any = None) -> None:
        super().__init__()
        self._keys = keys
        self._worker = resources or SimpleNamespace(
            credentials=keys,
            renewals=Renewals(keys),
            tokens=TokenCache(),
            opened={},
            clients=EgressClients(["127.0.0.0/8", "localhost"]),
            pauses=ServicePauses(),
            allow_lists=Keys(),
            settings=Settings.load({"TEMPOR8_PAYLOAD_LIMIT": str(1024 * 1024)}),
            uses=SimpleNamespace(note=lambda *_, **__: None),
        )
        self._worker.allow_lists = self

    async def get(self, tenant: str) -> tuple[str, ...]:
        """Return no further egress entries, as `allow_lists` does."""
        del tenant
        return ()

    def of_task(self) -> CapabilityHost:
        """Return this world with credentials of one task."""
        return World(self._keys, SimpleNamespace(**vars(self._worker) | {"opened": {}}))

    def provide(self, name: str, task: Task) -> Any:
        """Return the worker's capability of this name, or the fake."""
        own = {"http": WorkerHttp, "credentials": WorkerCredentials}.get(name)
        if own is None:
            return super().provide(name, task)
        task["meta"] = {**task["meta"], "tenant": TENANT}
        return own(cast("WorkerResources", self._worker), task)


async def run_node(
    type_: str,
    version: float,
    parameters: Mapping[str, Any],
    credentials: Mapping[str, Mapping[str, Any]],
    *,
    item: Mapping[str, Any] | None = None,
    others: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """Run one node; return its error object, {} when it succeeded. `others`: further nodes of the export, which do not run."""
    first = node("Node", type_, version, parameters, credentials)
    return await run_nodes([first, *others], {"Start": {"main": [[target("Node")]]}}, credentials, item)


async def run_nodes(
    nodes: Sequence[Mapping[str, Any]],
    connections: Mapping[str, Any],
    credentials: Mapping[str, Mapping[str, Any]],
    item: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Run nodes that begin at `Start`; return the error object of the run, {} when it succeeded."""
    start = node("Start", "n8n-nodes-base.manualTrigger", 1, {}, {})
    settings = {"executionOrder": "v1", "timezone": "UTC"}
    plan = plan_of({"nodes": [start, *nodes], "connections": connections, "settings": settings})
    worlds = World(Keys(dict(credentials)))
    host, info = LocalHost(CATALOG, worlds), RunInfo(execution_id="1", mode="trigger")
    _, finished = await run_local(plan, host, info, [as_item({"json": dict(item or {})})], start=plan.step["Start"])
    return finished.error or {}


def node(
    name: str, type_: str, version: float, parameters: Mapping[str, Any], credentials: Iterable[str]
) -> dict[str, Any]:
    """Return a node with credentials of these types, all of which are called `my <type>`."""
    return {
        "id": name, "name": name, "type": type_, "typeVersion": version, "position": [0, 0],
        "parameters": dict(parameters), "credentials": {each: {"id": each, "name": f"my {each}"} for each in credentials},
    }  # fmt: skip


def target(name: str, type_: str = "main") -> dict[str, Any]:
    """Return the end of a connection."""
    return {"node": name, "type": type_, "index": 0}
