"""What a storm is about: embedded servers, two workers of two builds, two APIs, two tenants with the same workflows."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from temporalio.client import Client

from compiler import compile_export
from runtime.catalog import CATALOG, upgrade
from runtime.platform.credential_store import credential_store
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.embedded.supervise import Supervised
from runtime.platform.keys import Keyring, keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.publishing import publish
from service.templates import TemplateStore
from service.tenants import TenantStore
from tests.chaos.faults import Clock
from tests.chaos.vendor import Vendor
from tests.chaos.wire import Wire
from tests.chaos.workflows import workflows
from tests.patience import PATIENCE

__all__ = ["BUILDS", "TENANTS", "Installation", "installation", "processes_in", "start_quiet"]

TENANTS: Final = ("storm-a", "storm-b")
BUILDS: Final = ("a", "b")
ATTEMPTS: Final = 300
PAUSE_SECONDS: Final = 0.3
JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Installation:
    """The processes that run, and how to reach them."""

    profile: EmbeddedProfile
    settings: Settings
    database: Database
    keys: Keyring
    temporal: Client
    """Reads no payload."""
    workers: tuple[Supervised, ...]
    apis: tuple[Supervised, ...]
    urls: tuple[str, ...]
    api_keys: dict[str, str]
    """By tenant."""
    wire: Wire
    """Between the first worker and Temporal."""
    clock: Clock | None
    """Of workers and APIs, where it is to jump."""

    @property
    def templates(self) -> TemplateStore:
        """The store of published templates."""
        return TemplateStore(self.database, upgrade)

    def client(self, tenant: str, api: int = 0) -> httpx.AsyncClient:
        """A client of one of the APIs with a tenant's key."""
        return httpx.AsyncClient(
            base_url=self.urls[api], headers={"X-API-Key": self.api_keys[tenant]}, timeout=PATIENCE
        )


@contextlib.asynccontextmanager
async def installation(folder: Path, vendor: Vendor, *, jumping: bool = False) -> AsyncIterator[Installation]:
    """Everything, with the workflows published. `jumping`: processes get a false clock, which costs time."""
    settings = Settings.load({"TEMPOR8_STATE": str(folder)})
    wire, clock = Wire(), Clock(folder) if jumping else None
    async with AsyncExitStack() as exits:
        profile = await exits.enter_async_context(EmbeddedProfile(settings, any_ports=True, ui=False))
        await wire.start()
        exits.push_async_callback(wire.stop)
        environment = {**os.environ, **profile.environment(), "TEMPOR8_GRACE": "5"} | dict(
            clock.environment() if clock else {}
        )
        logs = folder / "logs"
        logs.mkdir()
        workers = tuple(Supervised(
            f"worker-{build}", ["-m", "tests.chaos.worker_of_build", build], logs / f"worker-{build}.log",
            environment | ({"TEMPORAL_ADDRESS": wire.to(environment["TEMPORAL_ADDRESS"])} if build == BUILDS[0] else {}),
        ) for build in BUILDS)  # fmt: skip
        ports = [free_port(), free_port()]
        apis = tuple(
            Supervised(f"api-{port}", ["-m", "cli.main", "serve"], logs / f"api-{port}.log", environment | {"TEMPOR8_PORT": str(port)})
            for port in ports
        )  # fmt: skip
        for each in (*workers, *apis):
            await exits.enter_async_context(each)
        attached = profile.settings()
        assert attached.database_url is not None
        database = await exits.enter_async_context(
            Database(attached.database_url.get_secret_value(), size=4, keys=keyring(attached))
        )
        keys = keyring(attached)
        yield Installation(
            profile, attached, database, keys, await Client.connect(profile.addresses.temporal_address),
            workers, apis, tuple(f"http://127.0.0.1:{port}" for port in ports),
            {tenant: await _prepare(tenant, vendor.url, attached, database, keys) for tenant in TENANTS}, wire, clock,
        )  # fmt: skip


async def _prepare(tenant: str, vendor: str, settings: Settings, database: Database, keys: Keyring) -> str:
    """Make a tenant with its credential and workflows; return its API key."""
    tenants = TenantStore(database, keys)
    await tenants.create(tenant, tenant)
    await tenants.allow_egress(tenant, [vendor.removeprefix("http://")])
    await credential_store(settings, database, keys).put(
        tenant, "openAiApi", "vendor", {"apiKey": "none", "url": f"{vendor}/v1"}
    )
    templates = TemplateStore(database, upgrade)
    for name, document in workflows(vendor).items():
        compiled = compile_export(json.dumps(document), file=f"{name}.json", catalog=CATALOG)
        assert await publish(templates, tenant, name, compiled), compiled.diagnostics
    return await tenants.issue(tenant, "storm")


async def start_quiet(up: Installation, tenant: str, seconds: float = 0.1, **members: Any) -> httpx.Response:
    """Start a run of `quiet` over REST, at one API after the other until one answers; return the answer."""
    body = {"workflow_template": "quiet", "input_data": {"seconds": seconds}} | members
    for attempt in range(ATTEMPTS):
        with contextlib.suppress(httpx.TransportError):
            async with up.client(tenant, attempt % len(up.urls)) as client:
                answer = await client.post("/workflows/start", content=json.dumps(body).encode(), headers=JSON)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
        await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("nobody takes a start")


def processes_in(folder: Path) -> list[str]:
    """Command lines of processes that still work in the folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(folder) in line]
