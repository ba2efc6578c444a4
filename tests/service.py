"""The whole service for one test process: servers, a worker, the application, and two tenants with keys."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import pytest
from litestar import Litestar
from pydantic import SecretStr

from api.app import create_app
from api.dependencies import Dependencies
from cli.support.wiring import open_dependencies
from runtime.hosts.temporal.worker import worker as built_worker
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.background_loops import BackgroundLoops
from service.row_observers import RowObservers
from service.tenants import EgressAllowLists, TenantStore
from tests.exports import failing, greeting
from tests.patience import PATIENCE

OPERATOR_KEY = "the-key-of-the-operator-of-the-tests"
UPDATE = {
    "body_limit": 256 * 1024, "transient": True, "operator_key": SecretStr(OPERATOR_KEY), "unknown_rate": 0.0,
}  # fmt: skip
"""What the application of the tests has set beside the addresses; every test calls from the same address."""
HeldT = TypeVar("HeldT")
Call = Callable[..., Awaitable[httpx.Response]]


@contextlib.asynccontextmanager
async def in_a_task(opened: AbstractAsyncContextManager[HeldT]) -> AsyncIterator[HeldT]:
    """Hold something open in a task of its own: the two halves of a fixture run in two, which task groups cannot bear.

    What its start raises is raised here, so that nobody waits for what will never be open.
    """
    up, down = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def hold() -> None:
        async with opened as held:
            up.set_result(held)
            await down.wait()

    holding = asyncio.create_task(hold())
    await asyncio.wait({holding, up}, return_when=asyncio.FIRST_COMPLETED)
    if holding.done():
        await holding
    try:
        yield up.result()
    finally:
        down.set()
        await asyncio.wait_for(holding, PATIENCE)


@contextlib.asynccontextmanager
async def working(settings: Settings, tenant: str | None = None) -> AsyncIterator[None]:
    """A worker on the shared task queue, or on a tenant's own."""
    async with built_worker(settings, tenant=tenant) as built, built:
        yield


@pytest.fixture(scope="session")
async def worker(service: Settings, tenants: tuple[str, str]) -> AsyncIterator[None]:
    """A worker on the real servers. Its start, which holds up the loop for seconds, is over when a test begins."""
    del tenants
    async with in_a_task(working(service)):
        yield


@pytest.fixture(scope="session")
async def dependencies(service: Settings, tenants: tuple[str, str]) -> AsyncIterator[Dependencies]:
    """What the application is wired with."""
    del tenants
    async with open_dependencies(service.model_copy(update=UPDATE)) as built:
        yield built


@pytest.fixture(scope="session")
async def application(dependencies: Dependencies) -> AsyncIterator[Litestar]:
    """The application with its projector."""
    app = create_app(dependencies)
    async with in_a_task(app.lifespan()):
        yield app


@pytest.fixture(scope="session")
async def api_keys(database: Database, keys: Keyring, tenants: tuple[str, str]) -> tuple[str, str]:
    """A key of each tenant."""
    store = TenantStore(database, keys)
    return (await store.issue(tenants[0], "test"), await store.issue(tenants[1], "test"))


def application_with(dependencies: Dependencies, **settings: Any) -> Litestar:
    """An application with other settings, without a projector. Its end does not stop the loops of the tests' own application."""
    changed = dependencies.settings.model_copy(update=settings)
    own = replace(dependencies, settings=changed, loops=BackgroundLoops(), observers=RowObservers())
    return create_app(own, projector=False)


def client(application: Litestar, key: str | None = None) -> httpx.AsyncClient:
    """A client of the application, without a socket between."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application),  # type: ignore[arg-type]  # Litestar's own ASGI types
        base_url="http://tempor8.test",
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=PATIENCE,
    )


@pytest.fixture(scope="session")
async def acme(application: Litestar, api_keys: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The first tenant's client."""
    async with client(application, api_keys[0]) as opened:
        yield opened


@pytest.fixture(scope="session")
async def globex(application: Litestar, api_keys: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The second tenant's client."""
    async with client(application, api_keys[1]) as opened:
        yield opened


@pytest.fixture(scope="session")
async def operator(application: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """The operator's client."""
    async with client(application, OPERATOR_KEY) as opened:
        yield opened


@pytest.fixture(scope="session")
async def anonymous(application: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    async with client(application) as opened:
        yield opened


@pytest.fixture(scope="session")
async def published(acme: httpx.AsyncClient, worker: None) -> dict[str, Any]:
    """Templates of the first tenant, by key: what publishing answered."""
    del worker
    answers = {}
    for key, export in (("greeting", greeting()), ("failing", failing())):
        answer = await acme.post("/templates", params={"key": key}, json=export)
        assert answer.status_code in (200, 201), answer.text
        answers[key] = answer.json()
    return answers


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of every tenant may go to this machine."""

    async def allowed(self: EgressAllowLists, tenant: str) -> tuple[str, ...]:
        del self, tenant
        return ("127.0.0.1",)

    monkeypatch.setattr(EgressAllowLists, "get", allowed)


async def started(acme: httpx.AsyncClient, template: str, data: Any = None, **rest: Any) -> str:
    """Start a run and give its workflow id."""
    body = {"workflow_template": template, "input_data": data or {}} | rest
    answer = await acme.post("/workflows/start", json=body)
    assert answer.status_code == 202, answer.text
    workflow_id: str = answer.json()["workflow_id"]
    return workflow_id


async def ended(acme: httpx.AsyncClient, workflow_id: str) -> dict[str, Any]:
    """Wait for the end of a run and give its status answer."""
    await acme.get(f"/workflows/{workflow_id}/result", params={"wait": 30})
    answer = await acme.get(f"/workflows/{workflow_id}/status")
    assert answer.status_code == 200, answer.text
    status: dict[str, Any] = answer.json()
    return status


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    """The first true answer within so many seconds."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while clock() < until:
        if answer := await look():
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")
