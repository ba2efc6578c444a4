"""Each route answers within seconds, with problem+json and the right status, while something that it needs is away or gone."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from pydantic import SecretStr

from api.app import create_app
from api.dependencies import Dependencies
from cli.support.wiring import open_dependencies
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from tests.exports import export, greeting, node, set_
from tests.integration.platform.test_hanging_postgres import pid_of, stopped
from tests.patience import PATIENCE
from tests.service import client, ended, eventually, started

PROBLEM: Final = "application/problem+json"
SECONDS: Final = PATIENCE
"""Within which each route answers, whatever is away."""

ROUTES: Final[Mapping[str, tuple[str, str, Any]]] = {
    "start": ("POST", "/workflows/start", {"workflow_template": "hostile", "input_data": {}}),
    "status": ("GET", "/workflows/{run}/status", None),
    "result": ("GET", "/workflows/{run}/result", None),
    "history": ("GET", "/workflows/{run}/history", None),
    "events": ("GET", "/workflows/{run}/events", None),
    "cancel": ("POST", "/workflows/{run}/cancel", None),
    "retry": ("POST", "/workflows/{run}/retry", {}),
    "list": ("GET", "/workflows", None),
    "metrics": ("GET", "/metrics", None),
    "templates": ("GET", "/templates", None),
    "publish": ("POST", "/templates?key=hostile", greeting()),
    "webhook": ("POST", "/webhook/acme/hostile", {}),
    "form": ("GET", "/form/acme/hostile-form", None),
    "wait": ("GET", "/webhook-waiting/{run}/0-00000000000000000000000000000000", None),
    "readyz": ("GET", "/readyz", None),
    "health": ("GET", "/health", None),
}


def hostile() -> dict[str, Any]:
    """A webhook that is answered by the last node."""
    hook = node("Hook", "webhook", 2, path="hostile", httpMethod="POST", responseMode="lastNode", options={})
    return export("Hostile", hook, set_("Made", made="1"))


@asynccontextmanager
async def application(settings: Settings, **changes: Any) -> AsyncIterator[Litestar]:
    """An application with other settings."""
    changed = settings.model_copy(update={"worker_timeout": 1.0, "reply_timeout": 5.0} | changes)
    async with open_dependencies(changed) as dependencies:
        yield create_app(dependencies, projector=False)


async def ask(caller: httpx.AsyncClient, route: str, run: str) -> tuple[str, httpx.Response, float]:
    """The answer of a route, and the seconds that it took."""
    method, path, body = ROUTES[route]
    before = time.monotonic()
    answer = await caller.request(method, path.format(run=run), json=body)
    return route, answer, time.monotonic() - before


def check(route: str, answer: httpx.Response, seconds: float, statuses: set[int]) -> None:
    """Assert the status, the form and the time of an answer."""
    assert seconds < SECONDS, (route, seconds)
    assert answer.status_code in statuses, (route, answer.status_code, answer.text)
    if answer.status_code == 503 and route not in ("readyz", "health", "form"):
        assert answer.headers["content-type"].startswith(PROBLEM), (route, answer.text)
        document = answer.json()
        assert len(document["detail"]) > 20, document
        assert int(answer.headers["retry-after"]) > 0, route


@pytest.fixture
async def run(acme: httpx.AsyncClient, published: dict[str, Any]) -> str:
    """A run that has ended."""
    del published
    answer = await acme.post("/templates", params={"key": "hostile"}, json=hostile())
    assert answer.status_code in (200, 201), answer.text
    run = await started(acme, "greeting", {"name": "x"})
    await ended(acme, run)
    return run


async def test_while_temporal_is_away_each_route_says_so(
    service: Settings, api_keys: tuple[str, str], run: str
) -> None:
    """Lists, metrics and templates come from Postgres and go on."""
    fine = {"list": {200}, "metrics": {200}, "templates": {200}, "publish": {200, 201}, "form": {404}, "wait": {401}}
    async with application(service, temporal_address="127.0.0.1:1") as app, client(app, api_keys[0]) as caller:
        answers = await asyncio.gather(*(ask(caller, route, run) for route in ROUTES))
    for route, answer, seconds in answers:
        check(route, answer, seconds, fine.get(route, {503}))


async def test_while_postgres_refuses_each_route_says_so(
    service: Settings, api_keys: tuple[str, str], run: str
) -> None:
    """Nobody can be authenticated; a forged link is refused without a question to anybody."""
    url = SecretStr("postgresql://u:canary@127.0.0.1:1/d")
    async with application(service, database_url=url) as app, client(app, api_keys[0]) as caller:
        answers = await asyncio.gather(*(ask(caller, route, run) for route in ROUTES))
    for route, answer, seconds in answers:
        check(route, answer, seconds, {"wait": {401}}.get(route, {503}))
        assert "canary" not in answer.text


async def test_while_postgres_hangs_each_route_says_so_and_readyz_keeps_its_time(
    service: Settings, embedded: EmbeddedProfile, api_keys: tuple[str, str], run: str
) -> None:
    """SIGSTOP of the server and all its backends: as if it refused, and all is well when it goes on."""
    async with application(service) as app, client(app, api_keys[0]) as caller:
        assert (await caller.get("/workflows")).status_code == 200
        with stopped(pid_of(embedded)):
            cached = await asyncio.gather(*(ask(caller, route, run) for route in ROUTES))
        for route, answer, seconds in cached:
            # the key is cached for seconds, so routes that ask Temporal alone go on
            check(route, answer, seconds, {"wait": {401}, "webhook": {200, 503}}.get(route, {200, 202, 409, 503}))
            if route in ("readyz", "health"):
                assert answer.status_code == 503, (route, answer.text)
                assert seconds < 4.5, (route, seconds)
            if route in ("list", "metrics", "publish", "templates"):
                assert answer.status_code == 503, (route, answer.text)

        async def ready() -> bool:
            return (await caller.get("/readyz")).status_code == 200

        assert await eventually(ready)
        assert (await caller.get("/workflows")).status_code == 200


async def test_while_reports_have_all_their_connections_starts_go_on(
    acme: httpx.AsyncClient, dependencies: Dependencies, run: str
) -> None:
    """Keys are verified and runs start by other connections; a list is refused, and asked again later is answered."""
    pool = dependencies.executions._database._pool
    async with AsyncExitStack() as held:
        for _ in range(pool.max_size):
            await held.enter_async_context(pool.connection())
        begun = await started(acme, "greeting", {"name": "x"})
        assert (await ended(acme, begun))["status"] == "completed"
        _, answer, seconds = await ask(acme, "list", run)
        check("list", answer, seconds, {503})
    _, answer, seconds = await ask(acme, "list", run)
    check("list", answer, seconds, {200})


async def test_while_the_worker_is_away_starts_go_on_and_status_says_what_is_missing(
    service: Settings, api_keys: tuple[str, str], run: str
) -> None:
    """A start by REST needs no worker; a webhook that waits for the last node says which run has begun."""
    expected = {
        "start": {202}, "webhook": {503}, "health": {200}, "readyz": {200}, "form": {404}, "wait": {401}, "cancel": {409}, "retry": {409},
    }  # fmt: skip
    async with (
        application(service, task_queue=f"away-{uuid.uuid4().hex[:6]}") as app,
        client(app, api_keys[0]) as caller,
    ):
        answers = await asyncio.gather(*(ask(caller, route, run) for route in ROUTES))
        for route, answer, seconds in answers:
            check(route, answer, seconds, expected.get(route, {200, 201, 202}))
        begun = next(answer.json()["workflow_id"] for route, answer, _ in answers if route == "webhook")
        for route in ("status", "history"):
            _, answer, seconds = await ask(caller, route, begun)
            check(route, answer, seconds, {200})
        assert (await ask(caller, "result", begun))[1].status_code == 409
        assert (await ask(caller, "cancel", begun))[1].status_code == 202


@pytest.mark.parametrize("id_", ["acme:greeting:gone", "globex:greeting:x", "nonsense", "acme:a\u0000b:c"])
async def test_a_run_that_is_gone_is_404_on_each_of_its_routes(acme: httpx.AsyncClient, id_: str) -> None:
    """Also one of another tenant, and an id that is none."""
    for route in ("status", "result", "history", "events", "cancel", "retry"):
        _, answer, seconds = await ask(acme, route, id_.replace("\u0000", "%00"))
        check(route, answer, seconds, {404})
        assert answer.json()["type"] == "/problems/unknown-run", answer.text


async def test_a_run_whose_stored_result_is_gone_is_told_so(
    acme: httpx.AsyncClient, database: Database, published: dict[str, Any]
) -> None:
    """Postgres restored from an older backup than Temporal: status and history say it, nothing is a mistake of the service."""
    del published
    run = await started(acme, "greeting", {"name": "x" * 200_000})
    await ended(acme, run)

    async def projected() -> bool:
        page = (await acme.get("/workflows", params={"template": "greeting", "limit": 200})).json()["items"]
        return any(each["workflow_id"] == run and each["status"] == "completed" for each in page)

    assert await eventually(projected)
    async with database.tenant_transaction("acme") as connection:
        cursor = await connection.execute(
            "delete from payloads where tenant_id = 'acme' and address in"
            " (select address from payload_uses where tenant_id = 'acme' and workflow_id = %s)",
            (run,),
        )
        assert cursor.rowcount
    for route in ("status", "result", "history", "retry"):
        _, answer, seconds = await ask(acme, route, run)
        check(route, answer, seconds, {200, 409, 410, 503})


async def test_a_terminated_run_has_a_status_a_result_and_a_history(
    acme: httpx.AsyncClient, temporal: Any, published: dict[str, Any]
) -> None:
    """Its steps are shown: a query of a run that has ended is answered."""
    del published
    slow = export("Slow", node("Start", "manualTrigger"), set_("Before", a="1"), node("Wait", "wait", 1.1, amount=600))
    assert (await acme.post("/templates", params={"key": "terminated"}, json=slow)).status_code in (200, 201)
    run = await started(acme, "terminated")

    async def waits() -> bool:
        return bool(((await acme.get(f"/workflows/{run}/status")).json()["progress"] or {}).get("active"))

    assert await eventually(waits)
    await temporal.get_workflow_handle(run).terminate(reason="an operator")
    for route in ("status", "result", "history"):
        _, answer, seconds = await ask(acme, route, run)
        check(route, answer, seconds, {200})
        assert answer.json()["status"] == "terminated"


async def test_a_wait_beyond_the_last_year_of_the_calendar_is_shown(
    acme: httpx.AsyncClient, published: dict[str, Any]
) -> None:
    """As waiting until the last moment that JSON's readers know."""
    del published
    slow = export("Late", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=4_000_000, unit="days"))
    assert (await acme.post("/templates", params={"key": "late"}, json=slow)).status_code in (200, 201)
    run = await started(acme, "late")

    async def waits() -> Any:
        answer = await acme.get(f"/workflows/{run}/status")
        assert answer.status_code == 200, answer.text
        return (answer.json()["progress"] or {}).get("active")

    active = await eventually(waits)
    assert active["reason"]["until"].startswith("9999-12-31")
    assert (await acme.post(f"/workflows/{run}/cancel")).status_code == 202


REQUESTS: Final[list[tuple[str, str, str, Any, set[int]]]] = [
    ("a user with a NUL", "POST", "/workflows/start", {"workflow_template": "greeting", "user_id": "a\u0000b"}, {400}),
    ("a template with a NUL", "POST", "/workflows/start", {"workflow_template": "gre\u0000"}, {400, 404}),
    ("a filter with a NUL", "GET", "/workflows?template=a%00b", None, {200, 400}),
    ("a user filter with a NUL", "GET", "/workflows?user_id=a%00b", None, {200, 400}),
    ("a webhook's path with a NUL", "POST", "/webhook/acme/a%00b", {}, {400, 404}),
    ("a test webhook's path with a NUL", "POST", "/webhook-test/acme/a%00b", {}, {400, 404}),
    ("a form's path with a NUL", "GET", "/form/acme/a%00b", None, {400, 404}),
    ("a tenant with a NUL", "POST", "/webhook/ac%00me/x", {}, {400, 404}),
    ("a cursor that is none", "GET", "/workflows?cursor=%00", None, {400}),
    ("an unknown template's key with a NUL", "GET", "/templates/a%00b", None, {400, 404, 405}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "method", "path", "body", "statuses"), REQUESTS, ids=[each[0] for each in REQUESTS])
async def test_a_hostile_request_is_no_mistake_of_the_service(
    acme: httpx.AsyncClient, run: str, name: str, method: str, path: str, body: Any, statuses: set[int]
) -> None:
    """What cannot be stored or handed on is refused, in words."""
    del run
    answer = await acme.request(method, path, json=body)
    assert answer.status_code in statuses, (name, answer.status_code, answer.text)
    assert "internal-error" not in answer.text, name
