"""A run that cannot be read or written is set aside and shown; everybody else's rows go on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client

from runtime.platform.keys import Keyring, new_master_key
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from service import execution_writes
from service.columns import Columns
from service.execution_rows import ExecutionRow, StepRow
from service.execution_store import ExecutionStore, Filter
from service.projection.projector import Projector
from service.projection.state import stuck_summary
from tests.integration.service.canned_runs import alone, begin, canned_worker, projecting, row, until

ODD_USAGE: dict[str, dict[str, Any]] = {
    "more tokens than a column takes": {"input_tokens": 10**30, "output_tokens": -5},
    "numbers that are none": {"input_tokens": "many", "duration_ms": [], "requests": {}},
    "infinity": {"duration_ms": float("1e308") * 10, "cost_usd": float("1e308") * 10},
    "an absurd price": {"cost_usd": 1e300},
    "a price that is text": {"cost_usd": "free"},
    "a model name with NUL": {"model": "a\0b", "agent": "c\0d"},
    "half of an emoji": {"model": "a\ud83d", "node": "b\ud83d"},
}


@pytest.mark.parametrize("user_id", ["a\0b", "half \ud83d", "x" * 5000])
async def test_text_that_postgres_refuses_is_written_with_a_replacement(
    temporal: Client, database: Database, projector: Projector, user_id: str
) -> None:
    """NUL and halves of surrogate pairs become U+FFFD; the next tenant's run is written as always."""
    del projector
    store = ExecutionStore(database)
    odd = await begin(temporal, "completed", user_id=user_id)
    good = await begin(temporal, "completed", tenant="globex")
    assert (await row(store, good.id, lambda each: each.status == "completed", "globex")).step_count == 1
    found = await row(store, odd.id, lambda each: each.status == "completed")
    assert found.user_id == user_id.replace("\0", "\ufffd").replace("\ud83d", "\ufffd")[:512]
    assert (found.problem, found.step_count) == (None, 1)
    page = await store.page("acme", Filter(user_id=user_id[:512]))
    assert odd.id in [each.id for each in page]


@pytest.mark.parametrize("usage", ODD_USAGE.values(), ids=ODD_USAGE)
async def test_numbers_of_a_model_server_are_cut_to_their_columns(
    temporal: Client, database: Database, projector: Projector, usage: dict[str, Any]
) -> None:
    """Whatever a model server claims to have used, its run is written and others' too."""
    del projector
    odd = await begin(temporal, "completed", usage=usage)
    store = ExecutionStore(database)
    assert (await row(store, odd.id, lambda each: each.status == "completed")).problem is None
    good = await begin(temporal, "completed", tenant="globex")
    await row(store, good.id, lambda each: each.status == "completed", "globex")
    await store.metrics("acme", None)


async def test_a_step_with_odd_text_is_written(temporal: Client, database: Database, projector: Projector) -> None:
    """Names and messages of steps may hold what Postgres refuses."""
    del projector
    step = {"node": "a\0b", "error": {"message": "c\0d \ud83d", "deep": float("inf")}, "tries": 10**15}
    odd = await begin(temporal, "completed", step=step)
    found = await row(ExecutionStore(database), odd.id, lambda each: each.status == "completed")
    (only,) = found.steps or ()
    assert only.node == "a\ufffdb"
    assert (only.error or {})["message"] == "c\ufffdd \ufffd"


async def test_a_row_that_postgres_refuses_is_set_aside_and_its_neighbours_are_written(
    temporal: Client, database: Database, service: Settings, canned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that nobody thought of costs the run its steps, and nobody else anything."""
    del canned
    made = alone(temporal, database, service)
    handles = [await begin(temporal, "completed", tenant=tenant) for tenant in ("acme", "acme", "globex")]
    for handle in handles:
        await handle.result()
    bad, neighbour, other = handles
    event = execution_writes._event

    def refused(columns: Columns, row: ExecutionRow, step: StepRow) -> tuple[Any, ...]:
        values = event(columns, row, step)
        return (*values[:3], "n\0", *values[4:]) if row.id == bad.id else values

    monkeypatch.setattr(execution_writes, "_event", refused)
    store = ExecutionStore(database)

    async def all_there() -> bool:
        await made.look()
        found = [await store.get(handle.id.partition(":")[0], handle.id) for handle in handles]
        return None not in found

    await until(all_there)
    found = await store.get("acme", bad.id, with_steps=True)
    assert found is not None
    assert found.problem is not None
    assert (found.status, found.problem["kind"], found.steps) == ("completed", "unreadable", [])
    for id_, tenant in ((neighbour.id, "acme"), (other.id, "globex")):
        good = await store.get(tenant, id_, with_steps=True)
        assert good is not None
        assert (good.problem, len(good.steps or ())) == (None, 1)
    assert (await stuck_summary(database)).set_aside >= 1
    assert bad.id in [each.id for each in await store.page("acme", Filter(problem=True))]
    assert bad.id not in [each.id for each in await store.page("acme", Filter(problem=False))]
    monkeypatch.undo()
    await read_again(database, made, bad.id)
    mended = await store.get("acme", bad.id, with_steps=True)
    assert mended is not None
    assert (mended.problem, len(mended.steps or ())) == (None, 1)


async def read_again(database: Database, made: Projector, id_: str) -> None:
    """The time of the next try has come."""
    async with database.transaction() as connection:
        await connection.execute("update projector_retries set next_try = now() where id = %s", (id_,))
    await made._repair.read_again()


async def test_a_run_whose_stored_result_is_gone_is_set_aside_until_it_is_back(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    """As after a restore of a Postgres that is older than Temporal; the row says what is missing."""
    del canned
    handle = await begin(temporal, "completed", size=200_000)
    await handle.result()
    async with database.tenant_transaction("acme") as connection:
        uses = await (
            await connection.execute("select address from payload_uses where workflow_id = %s", (handle.id,))
        ).fetchall()
        addresses = [each["address"] for each in uses]
        assert addresses
        rows = await (
            await connection.execute(
                "delete from payloads where address = any(%s) returning address, sealed, size", (addresses,)
            )
        ).fetchall()
    made = alone(temporal, database, service)
    store = ExecutionStore(database)

    async def there() -> bool:
        await made.look()
        return await store.get("acme", handle.id) is not None

    await until(there)
    found = await store.get("acme", handle.id)
    assert found is not None
    assert found.problem is not None
    assert (found.status, found.problem["cause"]) == ("completed", "BlobMissing")
    assert "restore" in found.problem["hint"]
    since = found.problem["since"]
    await read_again(database, made, handle.id)
    async with database.transaction() as connection:
        again = await (
            await connection.execute("select attempts from projector_retries where id = %s", (handle.id,))
        ).fetchone()
    assert again == {"attempts": 2}
    async with database.tenant_transaction("acme") as connection:
        await connection.cursor().executemany(
            "insert into payloads (tenant_id, address, sealed, size) values ('acme', %(address)s, %(sealed)s, %(size)s)",
            rows,
        )
    still = await store.get("acme", handle.id)
    assert still is not None
    assert still.problem is not None
    assert still.problem["since"] == since
    await read_again(database, made, handle.id)
    whole = await store.get("acme", handle.id)
    assert whole is not None
    assert (whole.problem, whole.step_count) == (None, 1)


@pytest.fixture
async def foreign(service: Settings, blobs: BlobStore) -> AsyncIterator[Client]:
    """Another environment in the same namespace: it seals with a master key of its own."""
    client = await connect(service, data_converter(service, Keyring([new_master_key()]), blobs))
    async with canned_worker(client, "foreign"):
        yield client


@pytest.mark.parametrize("ending", ["completed", "failed", "wait"])
async def test_a_run_sealed_with_a_foreign_key_is_set_aside(
    temporal: Client, database: Database, projector: Projector, foreign: Client, ending: str
) -> None:
    """Neither its memo nor its result can be read; the projector goes on."""
    del projector
    store = ExecutionStore(database)
    odd = await begin(foreign, ending, queue="foreign")
    status = "running" if ending == "wait" else ending
    found = await row(store, odd.id, lambda each: each.status == status)
    assert found.problem is not None
    assert found.problem["cause"] == "SealError"
    assert "TEMPOR8_RETIRED_MASTER_KEYS" in found.problem["hint"]
    good = await begin(temporal, "completed", tenant="globex")
    assert (await row(store, good.id, lambda each: each.status == "completed", "globex")).problem is None
    if ending == "wait":
        await odd.terminate()


async def test_a_projector_that_starts_at_a_bad_run_goes_on(
    temporal: Client, database: Database, service: Settings, foreign: Client, canned: None
) -> None:
    """A process that died takes nothing along: the next one reads the same runs and is not stopped by them either."""
    del canned
    odd = await begin(foreign, "completed", queue="foreign", user_id="a\0b")
    await odd.result()
    store = ExecutionStore(database)
    for _ in range(2):
        good = await begin(temporal, "completed", tenant="globex")
        async for made in projecting(temporal, database, service):
            await row(store, good.id, lambda each: each.status == "completed", "globex")
            assert made.active
    assert (await row(store, odd.id)).problem is not None


async def test_a_result_that_is_no_result_is_set_aside(
    temporal: Client, database: Database, projector: Projector
) -> None:
    """Another program's workflow under an id like ours."""
    del projector
    odd = await begin(temporal, "nonsense")
    found = await row(ExecutionStore(database), odd.id, lambda each: each.status == "completed")
    assert found.problem is not None
    assert found.problem["cause"] == "ValidationError"
    good = await begin(temporal, "completed")
    await row(ExecutionStore(database), good.id, lambda each: each.status == "completed")
