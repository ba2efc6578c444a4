"""Ends of runs that workers hand over: the projector takes those that fit what Temporal lists, and reads the others."""

import json

import pytest
from temporalio.client import Client

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from schemas.run import Journal, RunResult, StepRecord
from schemas.run_end import RunEnd
from service.execution_store import ExecutionRow, ExecutionStore
from service.projection.projector import Projector
from service.projection.shard_locks import SHARDS
from service.run_archive import RunArchive, description_of
from service.run_reader import TemporalRuns
from tests.integration.service.canned_runs import STEP, begin, until

INPUT = json.dumps({"tenant": "acme", "template": "canned", "items": [{"json": {"n": 1}}]}).encode()
THREE_STEPS = RunResult(
    journal=Journal(status="success", steps=[StepRecord(**STEP)] * 3), outputs=[[{"json": {"n": 2}}]]
)


def archive_of(temporal: Client, database: Database, keys: Keyring) -> RunArchive:
    """An archive with the keys of the projector that the application of other tests has: it may be first at a run."""
    return RunArchive(database, keys, TemporalRuns(temporal))


def projector_of(temporal: Client, database: Database, service: Settings, keys: Keyring) -> Projector:
    """A projector that works once, when it is called."""
    assert service.database_url is not None
    made = Projector(
        temporal, database, service.database_url.get_secret_value(), archive=archive_of(temporal, database, keys)
    )
    made._locks.held = frozenset(range(SHARDS))
    return made


@pytest.mark.parametrize(
    ("events_before_the_last_task", "other_run", "steps"),
    [
        pytest.param(3, False, 3, id="an end of the last workflow task is taken: Temporal's own result has one step"),
        pytest.param(0, False, 1, id="an end of an earlier workflow task is not"),
        pytest.param(3, True, 1, id="nor is the end of another run of the same workflow id"),
    ],
)
async def test_an_end_is_taken_when_it_is_that_of_the_listed_run(
    temporal: Client, database: Database, service: Settings, keys: Keyring, canned: None,
    events_before_the_last_task: int, other_run: bool, steps: int,
) -> None:  # fmt: skip
    del canned
    handle = await begin(temporal, "completed")
    await handle.result()
    run_id = "another" if other_run else handle.first_execution_run_id or ""
    archive = archive_of(temporal, database, keys)
    result = THREE_STEPS.model_dump_json().encode()
    await archive.ends.write([RunEnd("acme", handle.id, run_id, events_before_the_last_task, INPUT, result)])
    store, made = ExecutionStore(database), projector_of(temporal, database, service, keys)

    async def look() -> ExecutionRow | None:
        await made.look()
        return await store.get("acme", handle.id, with_steps=True)

    row: ExecutionRow = await until(look)
    assert (row.step_count, len(row.steps or ())) == (steps, steps)
    archived = await archive.read(row)
    assert archived is not None
    assert archived.outcome.result is not None
    assert archived.outcome.result.journal.count == steps
    if steps == 3:
        assert archived.start == json.loads(INPUT)
        assert await archive.ends.read([description_of(row)]) == {}


async def test_ends_are_of_one_tenant_and_sealed_for_it(
    database: Database, keys: Keyring, tenants: tuple[str, str]
) -> None:
    """A row that somebody moves to another tenant cannot be opened there, and no tenant sees another's rows."""
    del tenants
    ends = archive_of(None, database, keys).ends  # type: ignore[arg-type]  # Temporal is not asked
    await ends.write([RunEnd("acme", "acme:t:sealed", "r", 3, INPUT, b"{}")])
    async with database.tenant_transaction("globex") as connection:
        cursor = await connection.execute("select count(*) as rows from run_ends")
        row = await cursor.fetchone()
    assert row is not None
    assert row["rows"] == 0
    async with database.tenant_transaction("acme") as connection:
        cursor = await connection.execute("select sealed from run_ends where execution_id = 'acme:t:sealed'")
        stored = await cursor.fetchone()
    assert stored is not None
    assert b"json" not in stored["sealed"]
