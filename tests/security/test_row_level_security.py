"""Row-level security: whatever SQL runs as the application, a tenant's rows stay the tenant's."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import sql

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.postgres import Database, UnsafeRole


@pytest.fixture(autouse=True, scope="module")
async def forget_made_up_keys(database: Database, tenants: tuple[str, str]) -> AsyncIterator[None]:
    """No later test finds a data key that nothing unwraps."""
    yield
    for tenant in tenants:
        async with database.tenant_transaction(tenant) as connection:
            await connection.execute("delete from tenant_keys where wrapped = 'x'")


ROW: dict[str, dict[str, object]] = {  # the least that each table wants; the tenant is added
    "api_keys": {"digest": b"\x00" * 32},
    "credentials": {"type": "t", "name": "n", "sealed": b"x"},
    "workflow_templates": {"key": "k", "version": 1, "name": "n", "plan_hash": "h", "plan": "{}", "export": "{}"},
    "current_templates": {"key": "k", "version": 1},
    "webhooks": {"method": "GET", "path": "rls", "template_key": "k", "node": "n"},
    "workflow_executions": {
        "id": "e", "template_key": "k", "plan_hash": "h", "trigger_kind": "rest", "status": "running",
        "started_at": "2026-01-01",
    },
    "workflow_events": {
        "execution_id": "e", "sequence": 1, "node": "n", "type": "t", "status": "success", "started_at": "2026-01-01",
    },
    "agent_utilization": {
        "execution_id": "e", "sequence": 1, "agent": "a", "node": "n", "status": "success",
        "occurred_at": "2026-01-01",
    },
    "run_fields": {"field": "f", "execution_id": "e"},
    "run_ends": {"execution_id": "run", "run_id": "r", "history_length": 3, "sealed": b"x"},
    "run_archive": {"execution_id": "e", "sealed": b"x"},
    "start_keys": {"template_key": "k", "key_digest": "d", "request_digest": b"\x00" * 32},
    "static_data": {"template_key": "k", "data": "{}"},
    "chat_memory": {"session_key": "s", "message": "{}"},
    "vector_documents": {"store_key": "s", "document_id": "d", "document": '{"document": {}, "vector": ""}'},
    "model_spending": {"scope": "run", "key": "r"},
    "payloads": {"address": b"\x01" * 32, "sealed": b"x", "size": 1},
    "payload_uses": {"address": b"\x01" * 32, "workflow_id": "w"},
    "data_tables": {"id": "t", "name": "t", "columns": "[]", "created_at": "2026-01-01", "updated_at": "2026-01-01"},
    "data_table_rows": {"table_id": "t", "id": 1, "row": "{}"},
    "seen_values": {"scope": "s", "list": "[]"},
    "test_listeners": {"template_key": "k", "plan_hash": "h", "expires_at": "2026-01-01"},
    "plans": {"hash": "h", "plan": "{}"},
    "task_deaths": {"workflow_id": "w", "task": "t", "deaths": 1, "open": False},
    "token_renewals": {"type": "t", "name": "n"},
    "service_turns": {"key": "k"},
    "run_slots": {"key": "k", "workflow_id": "w"},
    "variables": {"key": "k", "value": "v"},
    "kept_results": {"key": "k", "result": "{}"},
    "run_rollups": {
        "hour": "2026-01-01", "template_key": "k", "status": "running", "duration_bucket": -1, "runs": 1, "steps": 0,
        "duration_ms": 0,
    },
    "agent_rollups": {
        "hour": "2026-01-01", "agent": "a", "runs": 1, "requests": 1, "failed": 0, "input_tokens": 1, "output_tokens": 1,
        "duration_ms": 1,
    },
    "template_usage_rollups": {
        "hour": "2026-01-01", "template_key": "k", "requests": 1, "failed": 0, "input_tokens": 1, "output_tokens": 1,
    },
    "schedules": {"id": "t:n:0", "template_key": "t", "node": "n", "spec": "{}"},
    "deletions": {"template_key": "t"},
    "trigger_registrations": {"id": "t:n", "template_key": "t", "node": "n", "wanted": "{}", "wanted_digest": "d"},
    "tenant_keys": {"version": 7, "wrapped": b"x"},
    "credential_uses": {"type": "t", "name": "n", "execution_id": "e", "node": "n", "used_at": "2026-01-01"},
    "audit_log": {
        "id": "0190b5a0-0000-7000-8000-000000000001", "actor_kind": "key", "actor": "k", "action": "a.b",
        "object": "o", "outcome": "done", "request_id": "r",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
async def tenants(database: Database) -> tuple[str, str]:
    """Two tenants of this file alone: the rows here are no runs that another test could make sense of."""
    names = ("walled", "fenced")
    for name in names:
        async with database.tenant_transaction(name) as connection:
            await connection.execute("insert into tenants (id, name) values (%s, %s)", (name, name.title()))
    return names


OPEN = {
    "projector_tenants": "which tenants have had runs: the projector and the collector go through them one by one",
    "open_runs": "ids of runs that go on, and the class of what holds one up: Temporal is asked for them in pages",
    "projector_retries": "ids of runs that are read again, when, and the class of the error",
    "schedule_changes": "whose schedules Temporal does not have yet",
    "schedule_tenants": "who has schedules: the reconciler goes through them one by one",
    "registration_tenants": "who has triggers registered at vendors, and when one of them is to be looked at",
    "retention_due": "when something of a tenant is next to be deleted",
    "deletion_queue": "who or whose template is being deleted, and when that is tried again",
    "tenant_sealing": "whose rows in clear of an earlier version are still to be sealed",
}
"""Tables with a column for the tenant and without its data, which a background loop reads across tenants, and why: ids only, times,
and classes of errors. Nothing in them is a tenant's text.
"""


def insert(table: str, tenant: str) -> tuple[sql.Composed, list[object]]:
    row = {"tenant_id": tenant, **ROW[table]}
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(row))
    text = sql.SQL("insert into {} ({}) values ({}) on conflict do nothing")
    return text.format(sql.Identifier(table), columns, marks), list(row.values())


async def tables(database: Database) -> dict[str, tuple[bool, bool]]:
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "select c.relname, c.relrowsecurity, c.relforcerowsecurity from pg_class c"
            " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
            " where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace"
        )
        return {row["relname"]: (row["relrowsecurity"], row["relforcerowsecurity"]) for row in await cursor.fetchall()}


async def test_every_table_of_tenants_forces_row_level_security_and_is_in_this_test(database: Database) -> None:
    found = await tables(database)
    assert {name for name, forced in found.items() if forced != (True, True)} == set(OPEN)
    assert set(found) == set(ROW) | set(OPEN)


async def test_a_tenant_sees_its_rows_and_no_others(database: Database, tenants: tuple[str, str]) -> None:
    mine, other = tenants
    async with database.tenant_transaction(mine) as connection:
        for table in ROW:
            await connection.execute(*insert(table, mine))
    for tenant, count in ((mine, 1), (other, 0)):
        async with database.tenant_transaction(tenant) as connection:
            for table in ROW:
                cursor = await connection.execute(
                    sql.SQL("select count(*) as n from {} where tenant_id = %s").format(sql.Identifier(table)), (mine,)
                )
                row = await cursor.fetchone()
                assert row is not None
                assert row["n"] >= count if count else row["n"] == 0, table


async def test_without_a_tenant_there_are_no_rows(database: Database) -> None:
    async with database.transaction() as connection:
        for table in (*ROW, "tenants"):
            cursor = await connection.execute(sql.SQL("select 1 from {} limit 1").format(sql.Identifier(table)))
            assert await cursor.fetchone() is None, table


@pytest.mark.parametrize("table", ROW)
async def test_a_row_for_another_tenant_is_refused(database: Database, tenants: tuple[str, str], table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        async with database.tenant_transaction(tenants[0]) as connection:
            await connection.execute(*insert(table, tenants[1]))


async def test_the_tenant_ends_with_its_transaction(database: Database, tenants: tuple[str, str]) -> None:
    for _ in range(20):  # so that each connection of the pool has been used for the tenant
        async with database.tenant_transaction(tenants[0]) as connection:
            await connection.execute("select 1")
        async with database.transaction() as connection:
            cursor = await connection.execute("select id from tenants")
            assert await cursor.fetchone() is None


@pytest.mark.parametrize(
    "statement",
    [
        "set row_security = off; select * from credentials",
        "alter table credentials disable row level security",
        "alter table credentials no force row level security",
        "drop policy tenant on credentials",
        "create policy all_of_it on credentials using (true)",
        "set role postgres",
        "set session authorization postgres",
        "truncate tenants cascade",
        "create table mine (x int)",
        "copy credentials to program 'cat'",
        "select * from pg_authid",
        "create function f() returns int language sql security definer as 'select 1'",
    ],
)
async def test_the_application_cannot_lift_its_own_limits(
    database: Database, tenants: tuple[str, str], statement: str
) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.DuplicateObject)):
        async with database.tenant_transaction(tenants[0]) as connection:
            for part in statement.split("; "):
                await connection.execute(part.encode())


@pytest.mark.parametrize(
    "change",
    ["update workflow_templates set plan = '{\"x\": 1}'", "update workflow_templates set export = '{\"x\": 1}'"],
)
async def test_what_was_published_does_not_change(database: Database, tenants: tuple[str, str], change: str) -> None:
    """A clear text may go when its sealed one comes, and nothing else."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.tenant_transaction(tenants[0]) as connection:
            await connection.execute(*insert("workflow_templates", tenants[0]))
            await connection.execute(change.encode())


async def test_what_the_operator_publishes_is_read_by_all_and_written_by_none(
    embedded: EmbeddedProfile, database: Database, tenants: tuple[str, str]
) -> None:
    async with database.tenant_transaction("*") as connection:
        await connection.execute("insert into tenants (id, name) values ('*', 'operator') on conflict do nothing")
        await connection.execute(*insert("workflow_templates", "*"))
        await connection.execute(*insert("current_templates", "*"))
    for tenant in tenants:
        async with database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select version from current_templates where tenant_id = '*' and key = 'k'"
            )
            assert await cursor.fetchone() == {"version": 1}
            moved = await connection.execute("update current_templates set active = false where tenant_id = '*'")
            assert moved.rowcount == 0
    assert embedded.addresses.database_admin_url is not None
    async with await psycopg.AsyncConnection.connect(embedded.addresses.database_admin_url) as admin:
        for table in ("current_templates", "workflow_templates"):  # no other test is to find it
            await admin.execute(
                sql.SQL("delete from {} where tenant_id = '*' and key = 'k'").format(sql.Identifier(table))
            )


async def test_a_role_that_sees_through_is_refused_at_start(embedded: EmbeddedProfile) -> None:
    admin = embedded.addresses.database_admin_url
    assert admin is not None
    database = Database(admin)
    try:
        with pytest.raises(UnsafeRole, match="role postgres can see through row-level security"):
            await database.open()
    finally:
        await database.close()
