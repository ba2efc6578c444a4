"""Many runs on many workers want a new token at once: one refresh, and all succeed."""

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
from temporalio.client import Client

from compiler import compile_export
from runtime.catalog import CATALOG, upgrade
from runtime.platform.credential_store import credential_store
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.embedded.supervise import Supervised
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.publishing import publish
from service.templates import TemplateStore
from service.tenants import TenantStore
from tests.authorization_server import AuthorizationServer
from tests.exports import export, node
from tests.patience import PATIENCE

RUNS: Final = 100
TENANT: Final = "accounts"
SECONDS: Final = 120.0


@dataclass(frozen=True)
class Service:
    """What runs."""

    client: httpx.AsyncClient
    profile: EmbeddedProfile
    workers: Sequence[Supervised]

    async def runs(self, number: int) -> list[str]:
        """Start so many runs; return their ids."""
        return list(await asyncio.gather(*(_started(self.client) for _ in range(number))))

    async def ended(self, runs: Sequence[str], seconds: float = SECONDS) -> list[str]:
        """Wait for the ends of runs; return how they ended."""
        return list(await asyncio.wait_for(asyncio.gather(*(_status(self.client, each) for each in runs)), seconds))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Postgres' own user can reach."""
    made = Path(tempfile.mkdtemp(prefix="tempor8-accounts-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A vendor whose token server takes its time, so that runs meet."""
    with AuthorizationServer(delay=1.5) as running:
        yield running


@pytest.fixture
async def up(folder: Path, server: AuthorizationServer) -> AsyncIterator[Service]:
    """Two workers and an API with a published workflow that calls the vendor; the token of its credential has expired."""
    async with AsyncExitStack() as exits:
        profile = await exits.enter_async_context(
            EmbeddedProfile(Settings.load({"TEMPOR8_STATE": str(folder)}), any_ports=True, ui=False)
        )
        environment, port = {**os.environ, **profile.environment(), "TEMPOR8_GRACE": "5"}, free_port()
        processes = []
        for name, verb in (("worker-1", "worker"), ("worker-2", "worker"), ("api", "serve")):
            more = {"TEMPOR8_PORT": str(port)} if verb == "serve" else {}
            process = Supervised(name, ["-m", "cli.main", verb], folder / f"{name}.log", environment | more)
            processes.append(await exits.enter_async_context(process))
        key = await _prepare(profile.settings(), server)
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, timeout=PATIENCE)
        async with client:
            yield Service(client, profile, processes[:2])


async def _prepare(settings: Settings, server: AuthorizationServer) -> str:
    """Make the tenant with its credential and workflow; return its API key."""
    keys = keyring(settings)
    assert settings.database_url is not None
    async with Database(settings.database_url.get_secret_value(), size=2, keys=keys) as database:
        tenants = TenantStore(database, keys)
        await tenants.create(TENANT, TENANT)
        await tenants.allow_egress(TENANT, [server.host])
        await credential_store(settings, database, keys).put(TENANT, "oAuth2Api", "account", server.connected())
        call = node(
            "Call", "httpRequest", 4.2, url=f"{server.url}/api", authentication="genericCredentialType",
            genericAuthType="oAuth2Api", options={},
        )  # fmt: skip
        call["credentials"] = {"oAuth2Api": {"id": "1", "name": "account"}}
        document = json.dumps(export("Call", node("Start", "manualTrigger"), call))
        compiled = compile_export(document, file="call.json", catalog=CATALOG)
        assert await publish(TemplateStore(database, upgrade), TENANT, "call", compiled), compiled.diagnostics
        return await tenants.issue(TENANT, "chaos")


async def _started(client: httpx.AsyncClient) -> str:
    """Start a run, as soon as the API takes it; return its id."""
    while True:
        try:
            answer = await client.post("/workflows/start", json={"workflow_template": "call", "input_data": {}})
            if answer.status_code == httpx.codes.ACCEPTED:
                return str(answer.json()["workflow_id"])
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.5)


async def _status(client: httpx.AsyncClient, workflow_id: str) -> str:
    """Wait for the end of a run and return how it ended."""
    while True:
        status = str((await client.get(f"/workflows/{workflow_id}/status")).json()["status"])
        if status not in ("pending", "running"):
            return status
        await asyncio.sleep(0.5)


async def _workers_of(profile: EmbeddedProfile, runs: list[str]) -> set[str]:
    """Which workers did the steps of these runs."""
    temporal, found = await Client.connect(profile.addresses.temporal_address), set()
    for run in runs:
        async for event in temporal.get_workflow_handle(run).fetch_history_events():
            if event.HasField("activity_task_started_event_attributes"):
                found.add(event.activity_task_started_event_attributes.identity)
    return found


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_a_hundred_runs_on_two_workers_renew_an_expired_token_once(
    up: Service, server: AuthorizationServer
) -> None:
    """Twice: the refresh token of the second time is the one that the first brought."""
    assert await up.ended(await up.runs(1)) == ["completed"]  # everybody is there
    for refreshes in (2, 3):
        server.expire()
        before = server.calls
        runs = await up.runs(RUNS)
        assert await up.ended(runs) == ["completed"] * RUNS
        assert (server.refreshes, server.reused, server.calls - before) == (refreshes, 0, RUNS)
        assert len(await _workers_of(up.profile, runs)) == 2


async def _in_the_middle(server: AuthorizationServer, asked: int) -> None:
    """Wait until a token server thinks about a request."""
    while server.asked == asked:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_workers_that_are_told_to_stop_store_the_token_that_is_on_its_way(
    up: Service, server: AuthorizationServer
) -> None:
    """Later than their steps may go on (TEMPOR8_GRACE): the old refresh token is used up, and this vendor accepts it never again."""
    assert await up.ended(await up.runs(1)) == ["completed"]
    server.expire()
    server.delay, refreshes = 9.0, server.refreshes
    runs = await up.runs(20)
    await _in_the_middle(server, refreshes)
    for worker in up.workers:
        if worker.pid is not None:
            os.kill(worker.pid, signal.SIGTERM)
    assert await up.ended(runs, 240) == ["completed"] * 20
    assert (server.refreshes, server.reused) == (refreshes + 1, 0)


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_workers_that_are_killed_lose_no_account_where_the_vendor_has_a_grace(
    up: Service, server: AuthorizationServer
) -> None:
    """Kill -9 between the rotation and its answer; another worker asks when the time of the dead one is over."""
    assert await up.ended(await up.runs(1)) == ["completed"]
    server.expire()
    server.delay, server.grace, refreshes = 3.0, 300.0, server.refreshes
    runs = await up.runs(20)
    await _in_the_middle(server, refreshes)
    for worker in up.workers:
        worker.kill()
    assert await up.ended(runs, 300) == ["completed"] * 20
    assert (server.refreshes, server.reused) == (refreshes + 2, 0)
