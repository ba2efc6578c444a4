"""The tables of runs at scale: ten thousand tenants, a million rows of one of them, open runs by the ten thousand.

Tenants and rows are inserted by SQL; open runs are runs of Temporal that no worker takes. The API with its projector is a process
of its own, as always.
"""

import asyncio
import html
import os
import re
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from bench.webhook import processes, state_folder
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from service.projection.projector import Projector
from service.projection.shard_locks import SHARDS
from service.rollups import RollupBackfill
from service.tenants import TenantStore

TENANTS: Final = int(os.environ.get("BENCH_TENANTS", "10000"))
ROWS: Final = int(os.environ.get("BENCH_ROWS_OF_TENANT", "1000000"))
WAITING: Final = int(os.environ.get("BENCH_WAITING", "20000"))
CLOSES_PER_SECOND: Final = int(os.environ.get("BENCH_CLOSES_PER_SECOND", "100"))
CLOSE_SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "30"))
REQUESTS: Final = 200
FEW_TENANTS: Final = 100
NEXT_PAGE: Final = re.compile(r'href="(/console/runs\?[^"]*cursor=[^"]*)"')
BIG: Final = "t0"
"""The tenant with the rows."""

INSERT_TENANTS: Final = (
    "insert into tenants (id) select 't' || n from generate_series(%(first)s::integer, %(last)s::integer) n"
)
NOTE_TENANTS: Final = "insert into projector_tenants (tenant_id) select 't' || n from generate_series(%(first)s::integer, %(last)s::integer) n"
INSERT_ROWS: Final = """
    insert into workflow_executions (tenant_id, id, run_id, template_key, plan_hash, trigger_kind, status, started_at,
        closed_at, steps, user_id)
    select %(tenant)s, %(tenant)s || ':k' || n %% 20 || ':' || md5(n::text), md5(n::text), 'k' || n %% 20, 'h',
        case when n %% 5000 = 1 then 'form' else 'api' end,
        case when n %% 50 = 0 then 'failed' when n %% 5000 = 1 then 'timed_out' else 'completed' end,
        now() - n * interval '80 ms', now() - n * interval '80 ms' + (n %% 1000) * interval '3 ms', 5, 'u' || n %% 1000
    from generate_series(1, %(rows)s::integer) n"""
MARK_OLD: Final = "update projector_tenants set rollup_position = '' where tenant_id = %(tenant)s"
LAG: Final = """
    select extract(epoch from updated_at - closed_at) as lag from workflow_executions
    where tenant_id = any(%(tenants)s) and template_key = 'closing' and status = 'terminated' order by 1"""


async def measure() -> list[dict[str, Any]]:
    """Rows of figures: back-fill, sweep, lag, lists, metrics."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            admin, app = profile.addresses.database_admin_url, settings.database_url
            assert admin is not None
            assert app is not None
            async with Database(app.get_secret_value(), keys=keyring(settings)) as database:
                keys = keyring(settings)
                client = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
                with psycopg.connect(admin, autocommit=True) as owner:
                    rows = [await _fill(owner, database)]
                    print(rows, file=sys.stderr, flush=True)  # the rest takes minutes
                    rows += await _sweeps(owner, client, database)
                    key = await TenantStore(database, keys).issue(BIG, "bench")
                    port = free_port(0)
                    environment = {
                        **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning", "TEMPOR8_PORT": str(port)
                    }  # fmt: skip
                    with processes({"api": ["cli.main", "serve"]}, environment) as running:
                        rows += [await _lag(owner, client), *await _requests(port, key, running["api"])]
    return rows


async def measure_lists() -> list[dict[str, Any]]:
    """Rows of figures: lists and metrics of a tenant with `ROWS` runs, by REST and as pages of the console, and nothing else."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            admin, app = profile.addresses.database_admin_url, settings.database_url
            assert admin is not None
            assert app is not None
            keys = keyring(settings)
            async with Database(app.get_secret_value(), keys=keys) as database:
                with psycopg.connect(admin, autocommit=True) as owner:
                    rows = [await _fill(owner, database)]
                key = await TenantStore(database, keys).issue(BIG, "bench")
            port = free_port(0)
            environment = {
                **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning", "TEMPOR8_PORT": str(port)
            }  # fmt: skip
            with processes({"api": ["cli.main", "serve"]}, environment) as running:
                await _until_ready(port)
                rows += await _requests(port, key, running["api"])
                print(rows, file=sys.stderr, flush=True)
                rows += await _pages(port, key, running["api"])
    return [*rows, {"load_average": os.getloadavg()[0]}]


async def _until_ready(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        for _ in range(240):
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.5)


async def _fill(owner: psycopg.Connection, database: Database) -> dict[str, Any]:
    """The first tenants, the rows of one of them, and the sums of these as after an upgrade."""
    for statement in (INSERT_TENANTS, NOTE_TENANTS):
        owner.execute(statement, {"first": 0, "last": FEW_TENANTS - 1})
    owner.execute(INSERT_ROWS, {"tenant": BIG, "rows": ROWS})
    owner.execute(MARK_OLD, {"tenant": BIG})
    owner.execute("analyze workflow_executions")
    backfill, began, longest = RollupBackfill(database), time.perf_counter(), 0.0
    more = True
    while more:
        before = time.perf_counter()
        more = await backfill.step(BIG)
        longest = max(longest, time.perf_counter() - before)
    return {
        "back_fill_rows": ROWS, "seconds": round(time.perf_counter() - began, 1), "longest_chunk_ms": round(longest * 1000)
    }  # fmt: skip


async def _sweeps(owner: psycopg.Connection, client: Client, database: Database) -> list[dict[str, Any]]:
    """What a comparison of all open runs costs, with a hundred tenants and with all of them."""
    began = time.perf_counter()
    await _start(client, "waiting", WAITING, FEW_TENANTS)
    started = time.perf_counter() - began
    await asyncio.sleep(11)  # a sweep leaves younger runs to others
    projector = Projector(client, database, "")
    projector._locks.held = frozenset(range(SHARDS))  # noqa: SLF001  # one round by itself, without locks
    repair = projector._repair  # noqa: SLF001
    first = await _seconds(repair.find_gone)
    few = [await _seconds(repair.find_gone) for _ in range(3)]
    for statement in (INSERT_TENANTS, NOTE_TENANTS):
        owner.execute(statement, {"first": FEW_TENANTS, "last": TENANTS - 1})
    many = [await _seconds(repair.find_gone) for _ in range(3)]
    problems = await _seconds(projector.problems.find_failing)
    return [
        {"waiting_runs": WAITING, "starts_per_second": round(WAITING / started), "first_sweep_s": round(first, 1)},
        {
            "sweep_s": {f"{FEW_TENANTS} tenants": _median(few), f"{TENANTS} tenants": _median(many)},
            "problems_s": round(problems, 2),
        },
    ]


async def _lag(owner: psycopg.Connection, client: Client) -> dict[str, Any]:
    """From the end of a run to its row, at a steady rate of ends over many tenants."""
    count = CLOSES_PER_SECOND * CLOSE_SECONDS
    ids = await _start(client, "closing", count, min(TENANTS, 2000))
    await _until_written(owner, count, "running")
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number, id_ in enumerate(ids):
            await asyncio.sleep(max(0.0, began + number / CLOSES_PER_SECOND - asyncio.get_running_loop().time()))
            group.create_task(_close(client, id_))
    took = asyncio.get_running_loop().time() - began
    tenants = sorted({names.tenant_of(id_) for id_ in ids})
    await _until_written(owner, count, "terminated")
    lags = [float(row[0]) for row in owner.execute(LAG, {"tenants": tenants}).fetchall()]
    return {
        "closes": count, "written": len(lags), "closes_per_second": round(count / took, 1),
        "lag_s": {name: round(_quantile(lags, share), 2) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))},
        "load_average": os.getloadavg()[0],
    }  # fmt: skip


async def _pages(port: int, key: str, api: int) -> list[dict[str, Any]]:
    """Pages of the console of the tenant with the rows."""
    paths = {
        "page of runs": "/console/runs",
        "page of figures": "/console/figures?days=30",
        "page of stuck runs": "/console/stuck",
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        await http.post("/console/sign-in", data={"key": key})
        path = "/console/runs"
        last = await http.get(path)
        for _ in range(100):  # a page far down
            following = NEXT_PAGE.search(last.text)
            assert following is not None
            path = html.unescape(following[1])
            last = await http.get(path)
        return await _timed(http, paths | {"hundredth page of runs": path}, api)


async def _requests(port: int, key: str, api: int) -> list[dict[str, Any]]:
    """Lists and metrics of the tenant with the rows."""
    paths = {
        "list": "/workflows", "list of a user": "/workflows?user_id=u7", "list of failed": "/workflows?status=failed",
        "list of a rare status": "/workflows?status=timed_out", "list of problems": "/workflows?problem=true",
        "list of a template": "/workflows?template=k7", "list of a rare trigger": "/workflows?trigger=form",
        "list of a trigger that started none": "/workflows?trigger=schedule", "metrics": "/metrics", "metrics of a month": "/metrics?hours=720",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as http:
        return await _timed(http, paths, api)


async def _timed(http: httpx.AsyncClient, paths: dict[str, str], api: int) -> list[dict[str, Any]]:
    """How long each address takes, by name, and what it takes of the API's processor: that does not depend on the neighbours."""
    rows = []
    for name, path in paths.items():
        took, used = [], _processor_ms(api)
        for _ in range(REQUESTS):
            before = time.perf_counter()
            answer = await http.get(path, follow_redirects=True)
            took.append((time.perf_counter() - before) * 1000)
            assert answer.status_code == 200, answer.text
        took.sort()
        figures = {"p50_ms": _quantile(took, 0.5), "p99_ms": _quantile(took, 0.99)}
        figures["api_processor_ms"] = (_processor_ms(api) - used) / REQUESTS
        rows.append({name: {each: round(value, 1) for each, value in figures.items()}})
    return rows


def _processor_ms(process: int) -> float:
    """Milliseconds of processor that a process has used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


async def _start(client: Client, template: str, count: int, tenants: int) -> list[str]:
    """Runs that nobody takes, spread over tenants."""
    ids = [names.workflow_id(f"t{number % tenants}", template, str(uuid.uuid4())) for number in range(count)]
    places = asyncio.Semaphore(64)

    async def start(id_: str) -> None:
        pairs = [(names.TENANT_ID, names.tenant_of(id_)), (names.PLAN_HASH, "h"), (names.TRIGGER_KIND, "api")]
        attributes = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in pairs]
        async with places:
            await client.start_workflow(
                template, {}, id=id_, task_queue="nobody", search_attributes=TypedSearchAttributes(attributes)
            )

    await asyncio.gather(*(start(id_) for id_ in ids))
    return ids


async def _until_written(owner: psycopg.Connection, count: int, status: str) -> None:
    """Wait until the projector, which may have to start first, has written so many of these runs; two minutes at most."""
    for _ in range(240):
        query = "select count(*) from workflow_executions where template_key = 'closing' and status = %s"
        row = owner.execute(query, (status,)).fetchone()
        if row and row[0] >= count:
            return
        await asyncio.sleep(0.5)


async def _close(client: Client, id_: str) -> None:
    while True:
        try:
            await client.get_workflow_handle(id_).terminate()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # an attempt that timed out had closed it
                return
            await asyncio.sleep(0.5)
        else:
            return


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    before = time.perf_counter()
    await work()
    return time.perf_counter() - before


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 2)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


if __name__ == "__main__":
    print(datetime.now(UTC), asyncio.run(measure()))
