"""What earlier versions wrote in clear is sealed in the background, from wherever it was interrupted, and reads the same throughout."""

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bench.exports import START, chain, set_node
from cli.testing.case import plan_of
from runtime.contract.capabilities import Store
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Connection, Database, DatabaseUnavailable
from runtime.platform.sealing import Purpose
from runtime.platform.settings import Settings
from runtime.values.tables import Column
from service.audit import ActorKind, AuditLog, AuditRecord, Outcome
from service.chat_memory import ChatMemoryStore
from service.clear_rows import CLEAR_ROWS, ClearRows
from service.columns import Columns
from service.data_store import run_once
from service.execution_store import ExecutionRow, ExecutionStore, Filter, StepRow
from service.plan_store import PlanStore
from service.registration_store import RegistrationStore, write_registrations
from service.resealing import EarlierProcessesError, Resealer, clear_counts, earlier_connections
from service.static_data import StaticDataStore
from service.templates import TemplateStore
from service.tenant_keys import TenantDataKeys
from service.tenants import TenantStore
from service.variables import VariableStore
from service.vector_documents import VectorDocumentStore
from tests.security.test_canary import forms, pg_dump
from tests.service import eventually

CANARY = "canary-77ab10c4"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = plan_of(chain(START, set_node("Done", 200, {"secret": CANARY})))


@pytest.fixture
def fresh(service: Settings) -> Database:
    """A pool whose keys are its own, as another process has them."""
    assert service.database_url is not None
    return Database(service.database_url.get_secret_value(), keys=keyring(service))


@pytest.fixture
async def tenant(database: Database) -> str:
    """A tenant of an earlier version: without a data key, so that everything is written in clear. Its turn is far off: an application
    that another test of this process has running would seal its rows beside the test."""
    name = f"t{uuid.uuid4().hex}"
    async with database.tenant_transaction(name) as connection:
        await connection.execute("insert into tenants (id) values (%s)", (name,))
        await connection.execute(
            "insert into tenant_sealing (tenant_id, next_try) values (%s, now() + interval '1 day')", (name,)
        )
    return name


async def write(database: Database, tenant: str) -> None:
    """Put the canary into every column that has data of tenants."""
    await StaticDataStore(database).save(tenant, "t", {"global": {"seen": CANARY}})
    await VariableStore(database).set(tenant, "v", CANARY)
    messages = [{"id": f"m{number}", "text": CANARY} for number in range(5)]
    await ChatMemoryStore(database).append(tenant, f"session of {CANARY}", messages)
    documents = [
        {"id": f"d{number}", "document": {"text": CANARY}, "vector": [1.0, float(number)]} for number in range(5)
    ]
    await VectorDocumentStore(database).add(tenant, f"store of {CANARY}", documents, limit=10)
    await run_once(database, tenant, "step", _table)
    await TemplateStore(database).publish(tenant, "t", PLAN, {"name": "T", "pinData": {"Done": [{"json": CANARY}]}})
    step = StepRow("N", "set", 0, 1, "error", BEGAN, BEGAN, [1], [1], {"message": CANARY})
    await ExecutionStore(database).write(tenant, [_run(tenant, number, step) for number in range(5)])
    columns, registrations = await Columns.of(database, tenant), RegistrationStore(database)
    async with database.tenant_transaction(tenant) as connection:
        await write_registrations(connection, columns, tenant, "t", [{"node": "N", "path": CANARY}])
    (row,) = await registrations.of_template(tenant, "t")
    await registrations.note_applied(tenant, row, {"state": CANARY})


async def _table(store: Store) -> Any:
    table = await store.create("customers", [Column("name", "string")], "2026-01-01T00:00:00.000Z")
    opened = await store.open(table.id)
    for number in range(1, 6):
        opened.rows[number] = {"name": CANARY, "id": number}
        opened.changed.add(number)
    await store.note("scope", [CANARY])
    return [CANARY]


def _run(tenant: str, number: int, step: StepRow) -> ExecutionRow:
    problem = {"kind": "unreadable", "cause": "SealError", "message": CANARY, "since": BEGAN.isoformat()}
    return ExecutionRow(
        tenant, f"{tenant}:t:{number}", "r", "t", PLAN.id, "manual", "failed", BEGAN, BEGAN, user_id=CANARY,
        error={"message": CANARY}, step_count=1, steps=[step], problem=problem,
    )  # fmt: skip


async def read(database: Database, tenant: str) -> list[Any]:
    """Return all that `write` wrote, as the service reads it."""
    templates, runs, registrations = TemplateStore(database), ExecutionStore(database), RegistrationStore(database)
    listed = await runs.page(tenant, Filter(user_id=CANARY, limit=10))
    one = await runs.get(tenant, f"{tenant}:t:0", with_steps=True)
    assert one is not None
    by_id = await templates.by_workflow(tenant, PLAN.workflow_id)
    current = await templates.current(tenant, "t")
    assert current is not None

    async def table(store: Store) -> Any:
        opened = await store.open((await store.tables())[0].id)
        return [dict(opened.rows), await store.seen("scope")]

    return [
        await StaticDataStore(database).get(tenant, "t"), await VariableStore(database).all(tenant),
        await ChatMemoryStore(database).load(tenant, f"session of {CANARY}", 10),
        await VectorDocumentStore(database).nearest(tenant, f"store of {CANARY}", [1.0, 0.0], 10),
        await run_once(database, tenant, "step", _table), await run_once(database, tenant, "another", table),
        current.text, by_id and by_id.text, await PlanStore(database).load(tenant, PLAN.id),
        await templates.source(tenant, PLAN.id), await templates.settings(tenant, PLAN.id),
        await templates.node_types(tenant, PLAN.id),
        [(each.id, each.applied, (each.wanted or {}).get("path")) for each in await registrations.of_template(tenant, "t")],
        [(each.id, each.user_id, each.error, each.problem) for each in listed], one.steps,
    ]  # fmt: skip


async def test_every_column_is_sealed_though_each_batch_is_cut_off_once_and_reads_the_same_throughout(
    fresh: Database, database: Database, tenant: str, service: Settings, embedded: EmbeddedProfile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The connection dies at the end of a transaction, as with a process that is killed; others read meanwhile."""
    admin = embedded.addresses.database_admin_url
    assert admin is not None
    await write(database, tenant)
    before = await read(database, tenant)
    assert CANARY.encode() in pg_dump(admin)
    counts = await clear_counts(database, tenant)
    assert counts.keys() == {f"{rows.table}.{rows.clear}" for rows in CLEAR_ROWS}
    seal, deaths = ClearRows.seal, _deaths()

    async def dying(self: ClearRows, connection: Connection, columns: Columns, tenant: str, limit: int) -> int:
        found = await seal(self, connection, columns, tenant, limit)
        if found and next(deaths):
            with psycopg.connect(admin) as killer:
                killer.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        return found

    monkeypatch.setattr(ClearRows, "seal", dying)
    rounds = 0
    async with fresh:
        resealer = Resealer(fresh, keyring(service), batch=2)
        while True:
            rounds += 1
            try:
                if await resealer.seal(tenant):
                    break
            except (DatabaseUnavailable, psycopg.OperationalError):
                assert await read(database, tenant) == before
        assert rounds > len(CLEAR_ROWS)
        assert await clear_counts(database, tenant) == {}
        assert await read(fresh, tenant) == before
        assert await read(database, tenant) == before
    dump = pg_dump(admin)
    for form in forms(CANARY):
        assert form not in dump


def _deaths() -> Iterator[bool]:
    """Yield whether the transaction dies: every other one."""
    while True:
        yield True
        yield False


async def test_writes_after_the_seal_meet_rows_from_before_and_after_a_rotation(
    fresh: Database, database: Database, tenant: str, service: Settings
) -> None:
    """Equal users are found together, and a message that is there is not added again, whichever key sealed it."""
    await write(database, tenant)
    async with fresh:
        keys = keyring(service)
        assert await Resealer(fresh, keys).seal(tenant)
        assert await keys.rotate(tenant) == 2
        await fresh.keys.load(tenant, keys.seal(tenant, Purpose.COLUMN, b""))
        memory, runs = ChatMemoryStore(fresh), ExecutionStore(fresh)
        key = f"session of {CANARY}"
        await memory.append(tenant, key, [{"id": "m4", "text": "again"}, {"id": "m5", "text": "new"}])
        assert [each["id"] for each in await memory.load(tenant, key, 10)] == [f"m{number}" for number in range(6)]
        await runs.write(
            tenant,
            [ExecutionRow(tenant, f"{tenant}:t:9", "r", "t", PLAN.id, "manual", "running", BEGAN, user_id=CANARY)],
        )
        assert len(await runs.page(tenant, Filter(user_id=CANARY))) == 6
        assert await runs.page(tenant, Filter(user_id="nobody")) == []
        page = await runs.page(tenant, Filter(user_id=CANARY, limit=2))
        assert [each.id for each in page] == sorted((each.id for each in page), reverse=True)


async def test_a_sealed_value_does_not_open_in_another_row(
    fresh: Database, tenant: str, service: Settings, embedded: EmbeddedProfile
) -> None:
    """Who may write to the database cannot pass one value off as another."""
    async with fresh:
        await keyring(service).create(tenant)
        store = VariableStore(fresh)
        await store.set(tenant, "a", "1")
        await store.set(tenant, "b", "2")
        with psycopg.connect(embedded.addresses.database_admin_url or "") as owner:
            owner.execute(
                "update variables set sealed = (select sealed from variables where tenant_id = %s and key = 'a')"
                " where tenant_id = %s and key = 'b'", (tenant, tenant),
            )  # fmt: skip
        with pytest.raises(Exception, match="not sealed for this tenant"):
            await store.all(tenant)


async def test_text_with_a_nul_character_is_sealed_as_any_other(
    fresh: Database, database: Database, tenant: str, service: Settings
) -> None:
    """Postgres has `\\u0000` in columns of JSON, and refuses every function that would make text of it."""
    nul = json.dumps(f"\x00{CANARY}")
    await write(database, tenant)
    async with database.tenant_transaction(tenant) as connection:
        for statement, value in [
            ("update static_data set data = %s", f'{{"a": {nul}}}'), ("update kept_results set result = %s", nul),
            ("update chat_memory set message = %s", f'{{"id": "m1", "text": {nul}}}'),
            ("update data_table_rows set row = %s", f'{{"name": {nul}}}'), ("update seen_values set list = %s", f"[{nul}]"),
            ("update workflow_executions set error = %s", f'{{"message": {nul}}}'),
            ("update workflow_events set error = %s", f'{{"message": {nul}}}'),
        ]:  # fmt: skip
            await connection.execute(f"{statement} where tenant_id = %s".encode(), (value, tenant))
    plan = plan_of(chain(START, set_node("Done", 200, {"secret": f"\x00{CANARY}"})))
    await TemplateStore(database).publish(tenant, "nul", plan, {"name": f"\x00{CANARY}"})
    async with fresh:
        assert await Resealer(fresh, keyring(service)).seal(tenant)
        assert await clear_counts(database, tenant) == {}
        current = await TemplateStore(fresh).current(tenant, "nul")
        assert current is not None
        assert current.plan == plan
        assert (await ChatMemoryStore(fresh).load(tenant, f"session of {CANARY}", 1))[0]["text"] == f"\x00{CANARY}"


async def test_a_row_that_cannot_be_sealed_holds_up_no_other_row(
    fresh: Database, database: Database, tenant: str, service: Settings, embedded: EmbeddedProfile
) -> None:
    """A constraint that a test adds refuses one row of the first column that is sealed, and every row of another one. A table is altered
    when nobody has it open, and who has it open may be on this event loop: it must go on meanwhile."""
    await write(database, tenant)
    for number in range(5):
        await StaticDataStore(database).save(tenant, f"t{number}", {"n": number})
    bad = f"check (tenant_id <> '{tenant}' or sealed is null%s) not valid"
    url = embedded.addresses.database_admin_url or ""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        one, every = bad % " or template_key <> 't2'", bad % ""
        await owner.execute(f"alter table static_data add constraint bad {one}".encode())
        await owner.execute(f"alter table variables add constraint bad {every}".encode())
        try:
            async with fresh:
                assert not await Resealer(fresh, keyring(service), batch=2).seal(tenant)
                assert await clear_counts(database, tenant) == {"static_data.data": 1, "variables.value": 1}
        finally:
            await owner.execute("alter table static_data drop constraint bad")
            await owner.execute("alter table variables drop constraint bad")
    async with database.transaction() as connection:
        cursor = await connection.execute("select * from tenant_sealing where tenant_id = %s", (tenant,))
        row = await cursor.fetchone()
    assert row is not None
    assert row["sealed_at"] is None
    assert row["next_try"] > datetime.now(UTC)  # it is tried again, and not without end


LOOKALIKES = [
    "sealed:AAAA",
    "sealed:" + base64.b64encode(b"\x01" * 60).decode(),
    "sealed:?",
    "clear:sealed:AAAA",
    "clear:x",
]


@pytest.mark.parametrize("user", LOOKALIKES)
async def test_a_user_whose_name_looks_like_a_sealed_one_is_read_and_found_in_clear_and_sealed(
    fresh: Database, database: Database, tenant: str, service: Settings, user: str
) -> None:
    runs = ExecutionStore(database)
    await runs.write(
        tenant, [ExecutionRow(tenant, f"{tenant}:t:1", "r", "t", PLAN.id, "manual", "running", BEGAN, user_id=user)]
    )
    assert [each.user_id for each in await runs.page(tenant, Filter())] == [user]
    assert len(await runs.page(tenant, Filter(user_id=user))) == 1
    async with fresh:
        assert await Resealer(fresh, keyring(service)).seal(tenant)
        assert [each.user_id for each in await ExecutionStore(fresh).page(tenant, Filter(user_id=user))] == [user]
    async with database.tenant_transaction(tenant) as connection:
        row = await (await connection.execute("select user_id from workflow_executions")).fetchone()
    assert row is not None
    assert row["user_id"].startswith("sealed:")
    assert user not in row["user_id"]


async def test_a_lookalike_of_an_earlier_version_breaks_no_list(database: Database, tenant: str) -> None:
    """It was written as it is."""
    runs = ExecutionStore(database)
    await runs.write(tenant, [ExecutionRow(tenant, f"{tenant}:t:1", "r", "t", PLAN.id, "manual", "running", BEGAN)])
    for user in LOOKALIKES[:3]:
        async with database.tenant_transaction(tenant) as connection:
            await connection.execute("update workflow_executions set user_id = %s", (user,))
        assert [each.user_id for each in await runs.page(tenant, Filter())] == [user]


async def test_a_batch_ends_where_its_texts_are_too_large_together(
    fresh: Database, database: Database, tenant: str, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of variables of 100 bytes, three begin within 250 bytes; one that is larger than a batch is a batch."""
    monkeypatch.setattr("service.clear_rows.BATCH_BYTES", 250)
    for number in range(7):
        await VariableStore(database).set(tenant, f"v{number}", "x" * (900 if number == 6 else 100))
    (variables,) = (rows for rows in CLEAR_ROWS if rows.table == "variables")
    async with fresh:
        await keyring(service).create(tenant)
        columns, batches = await Columns.of(fresh, tenant), []
        while True:
            async with fresh.tenant_transaction(tenant) as connection:
                batches.append(await variables.seal(connection, columns, tenant, 200))
            if not batches[-1]:
                break
    assert sum(batches) == 7
    assert max(batches) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "update plans set plan = '{}' where tenant_id = %s",
        "update workflow_templates set plan = '{}' where tenant_id = %s",
        "update workflow_templates set export = '{}' where tenant_id = %s",
    ],
)
async def test_what_was_published_does_not_change(database: Database, tenant: str, statement: str) -> None:
    """Whoever may seal it may not write another text."""
    await write(database, tenant)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="does not change"):
        async with database.tenant_transaction(tenant) as connection:
            await connection.execute(statement.encode(), (tenant,))


async def test_a_tenant_that_the_audit_log_makes_is_sealed_as_any_other(
    fresh: Database, database: Database, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the operator's is made, whose shared templates stayed in clear."""
    operator = f"t{uuid.uuid4().hex}"
    monkeypatch.setattr("service.audit.SHARED", operator)
    record = AuditRecord(operator, ActorKind.CLI, "ops", "tenant.create", "tenant/x", Outcome.DONE, "r")
    await AuditLog(database, timedelta(days=30)).write(record)
    async with fresh:
        keys = keyring(service)
        assert not await TenantStore(fresh, keys).create(operator)
        assert operator in await TenantDataKeys(fresh, keys).tenants()
        await Resealer(fresh, keys).work()
        assert (await TenantDataKeys(fresh, keys).status(operator)).version == 1


async def test_nothing_is_sealed_while_a_process_of_an_earlier_version_is_connected(
    fresh: Database, database: Database, tenant: str, service: Settings
) -> None:
    """It could not read what is sealed. Its connections have another name."""
    assert service.database_url is not None
    keys = keyring(service)
    name = f"t{uuid.uuid4().hex}"
    await write(database, tenant)
    async with fresh:
        with psycopg.connect(service.database_url.get_secret_value(), application_name="tempor8"):
            assert await earlier_connections(fresh) == 1
            async with database.transaction() as connection:
                await connection.execute(
                    "update tenant_sealing set next_try = now() - interval '1 day' where tenant_id = %s", (tenant,)
                )
            await Resealer(fresh, keys).work()
            assert await TenantStore(fresh, keys).create(name)
            with pytest.raises(EarlierProcessesError, match=f"{tenant}.*1 connections"):
                await TenantDataKeys(fresh, keys).rotate(tenant)
            for each in (tenant, name):
                await keys.load(each)
                assert keys.version(each) == 0
            assert (await clear_counts(database, tenant)).keys() == {
                f"{rows.table}.{rows.clear}" for rows in CLEAR_ROWS
            }

        async def is_sealed() -> (
            bool
        ):  # the backend ends a moment later, and the loop of an application may have the rows
            await Resealer(fresh, keys).work()
            return not await clear_counts(database, tenant)

        await eventually(is_sealed)
        assert [(await TenantDataKeys(fresh, keys).status(each)).version for each in (tenant, name)] == [1, 1]
        with psycopg.connect(service.database_url.get_secret_value(), application_name="tempor8"):
            assert await TenantDataKeys(fresh, keys).rotate(tenant) == 2  # it cannot read the first one either
