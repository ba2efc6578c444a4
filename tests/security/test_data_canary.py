"""Data of a tenant stands in clear in no file of any store: Temporal's database, Postgres with its log, logs of servers."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext

from cli.support.stack import Stack, stack
from runtime.platform.postgres import Database
from runtime.platform.sealing import SealError
from runtime.platform.settings import Settings
from runtime.values.tables import Column
from service.chat_memory import ChatMemoryStore
from service.data_store import PostgresStore, run_once
from service.tenants import TenantStore
from service.variables import VariableStore
from tests.exports import export, node
from tests.security.test_canary import forms, pg_dump
from tests.service import ended, eventually, in_a_task, started

CANARY = "canary-2f8d93ab01"
KEEP = f"$getWorkflowStaticData('global').seen = '{CANARY}';"
RUNS: dict[str, list[dict[str, Any]]] = {
    "throws": [node("Throws", "code", 2, jsCode=f"{KEEP} throw new Error('no {CANARY}')")],
    "stops": [node("Stops", "stopAndError", 1, errorMessage=f"no {CANARY}")],
    "handled": [node("Handled", "code", 2, jsCode=f"throw new Error('no {CANARY}')") | {"onError": "continueRegularOutput"}],
    "saves": [node("Saves", "code", 2, jsCode=f"{KEEP} return [{{json: {{a: '{CANARY}', long: '{CANARY}'.repeat(9000)}}}}]")],
    "asks": [node("Asks", "httpRequest", 4.2, url=f"http://127.0.0.1:9/{CANARY}", options={}) | {"retryOnFail": True}],
}  # fmt: skip
PINNED = {"Start": [{"json": {"pinned": CANARY}}]}


async def _fill(database: Database, tenant: str) -> None:
    await VariableStore(database).set(tenant, "planted", CANARY)
    await ChatMemoryStore(database).append(tenant, f"session {CANARY}", [{"id": CANARY, "content": CANARY}])

    async def work(store: Any) -> str:
        assert isinstance(store, PostgresStore)
        table = await store.open((await store.create("planted", [Column("name", "string")], "2026-01-01")).id)
        table.rows[1] = {"name": CANARY, "id": 1}
        table.changed.add(1)
        await store.note("planted", [CANARY])
        return CANARY

    await run_once(database, tenant, "planted", work)


@pytest.fixture(scope="module")
async def installation() -> AsyncIterator[Stack]:
    """The whole service in processes of its own, with its state on disk."""
    with tempfile.TemporaryDirectory(prefix="tempor8-canary-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # Postgres has a user of its own
        async with in_a_task(stack(Settings.load({"TEMPOR8_STATE": name, "TEMPOR8_PORT": "0"}))) as built:
            yield built


@pytest.fixture(scope="module")
async def customer(installation: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant of the installation."""
    tenants = TenantStore(installation.database, installation.keys)
    assert await tenants.create("acme")
    headers = {"Authorization": f"Bearer {await tenants.issue('acme')}"}
    async with httpx.AsyncClient(base_url=installation.url, headers=headers, timeout=60) as client:
        async with asyncio.timeout(60):
            while True:
                try:
                    if (await client.get("/health")).json()["status"] == "ok":
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.3)
        yield client


async def test_no_file_of_any_store_has_data_of_a_tenant_in_clear(
    customer: httpx.AsyncClient, installation: Stack
) -> None:
    """Items, errors of every kind, static data, variables, pinned data, chat memory, data tables, users; five forms of each."""
    acme, folder = customer, installation.profile.folder
    await _fill(installation.database, "acme")
    runs = []
    for key, nodes in RUNS.items():
        start = node("Start", "manualTrigger")
        answer = await acme.post(
            "/templates", params={"key": f"canary_{key}"}, json=export(key, start, *nodes) | {"pinData": PINNED}
        )
        assert answer.status_code == 201, answer.text
        runs.append(await started(acme, f"canary_{key}", {"secret": CANARY}, user_id=CANARY))
    statuses = {run.split(":")[1]: (await ended(acme, run))["status"] for run in runs}
    assert statuses == {"canary_throws": "failed", "canary_stops": "failed", "canary_handled": "completed",
                        "canary_saves": "completed", "canary_asks": "failed"}  # fmt: skip
    histories = [await acme.get(f"/workflows/{run}/history") for run in runs]
    assert CANARY in histories[0].text  # whoever may, reads it

    async def listed() -> bool:
        page = (await acme.get("/workflows", params={"user_id": CANARY})).json()["items"]
        return {each["workflow_id"] for each in page if each["status"] != "running"} == set(runs)

    await eventually(listed)
    admin = installation.profile.addresses.database_admin_url
    assert admin is not None
    with psycopg.connect(admin, autocommit=True) as owner:
        owner.execute("checkpoint")
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    names = {path.relative_to(folder).parts[0] for path in files}
    assert {"temporal.db", "temporal.log", "postgres.log"} <= names
    assert any("pg_wal" in path.parts for path in files)
    temporal = b"".join(path.read_bytes() for path in files if path.name.startswith("temporal.db"))
    assert b"canary_throws" in temporal  # names of templates are search attributes: the files say what they have
    dump = pg_dump(admin)
    found = {str(path.relative_to(folder)) for path in files if _has(path.read_bytes())}
    assert found == set()
    assert not _has(dump)


def _has(data: bytes) -> bool:
    return any(form in data for form in forms(CANARY))


async def test_a_payload_opens_in_its_own_run_alone(temporal: Client, tenants: tuple[str, str]) -> None:
    """Not in another run of the same tenant, whoever may write Temporal's database; in the run that a schedule starts it does."""

    def of(run: str) -> Any:
        context = WorkflowSerializationContext(namespace="default", workflow_id=f"{tenants[0]}:t:{run}")
        return temporal.data_converter.with_context(context)

    payloads = await of("one").encode(["x"])
    assert await of("one").decode(payloads) == ["x"]
    assert await temporal.data_converter.decode(payloads) == ["x"]  # the codec endpoint, lists
    assert await of("one-2026-01-01T00:00:00Z").decode(payloads) == ["x"]
    for stolen in ("two", "one-2", "one~1"):
        with pytest.raises(SealError, match="another run"):
            await of(stolen).decode(payloads)
    payloads[0].metadata["run"] = (await of("two").encode(["y"]))[0].metadata["run"]
    with pytest.raises(SealError, match="changed since"):
        await of("two").decode(payloads)
    del payloads[0].metadata["run"]
    with pytest.raises(SealError, match="changed since"):
        await of("two").decode(payloads)
