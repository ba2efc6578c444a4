"""The memory of a chat costs as much as is read of it, however long the session has become."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.chat_memory import INSERT, LOAD, ChatMemoryStore
from service.columns import Columns
from service.tenants import TenantStore

MESSAGES = 5_000


@pytest.fixture
async def tenant(database: Database, keys: Keyring) -> str:
    """A tenant with a data key and one long session."""
    name = f"t{uuid.uuid4().hex}"
    await TenantStore(database, keys).create(name)
    columns = await Columns.of(database, name)
    session = columns.digests("s")[0]
    async with database.tenant_transaction(name) as connection:
        await connection.execute(
            "insert into chat_memory (tenant_id, session_key, sealed, message_digest)"
            " select %s, %s, '\\x00', sha256(n::text::bytea) from generate_series(1, %s) as n",
            (name, session, MESSAGES),
        )
    return name


def rows_read(plan: Mapping[str, Any]) -> Iterator[float]:
    """Yield how many rows each scan and sort of an explained plan has touched."""
    if "Scan" in plan["Node Type"] or "Sort" in plan["Node Type"]:
        touched = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        yield touched * plan["Actual Loops"]
    for child in plan.get("Plans", ()):
        yield from rows_read(child)


@pytest.mark.parametrize(("statement", "most"), [(LOAD, 30), (INSERT, 5)], ids=["load", "append"])
async def test_a_long_session_costs_no_more_rows_than_are_asked_for(
    database: Database, tenant: str, embedded: EmbeddedProfile, statement: str, most: int
) -> None:
    with psycopg.connect(embedded.addresses.database_admin_url or "", autocommit=True) as owner:
        owner.execute("analyze chat_memory")
    columns = await Columns.of(database, tenant)
    sessions = [*columns.digests("s"), "s"]
    given = {
        "tenant": tenant, "session": sessions[0], "sessions": sessions, "limit": 10, "message": None, "sealed": b"x",
        "digest": b"new", "digests": [b"new"], "id": "new",
    }  # fmt: skip
    async with database.tenant_transaction(tenant) as connection:
        cursor = await connection.execute(f"explain (analyze, format json) {statement}".encode(), given)
        row = await cursor.fetchone()
    assert row is not None
    assert max(rows_read(row["QUERY PLAN"][0]["Plan"])) <= most


async def test_a_message_is_added_once_and_the_last_ones_come_oldest_first(database: Database, tenant: str) -> None:
    memory = ChatMemoryStore(database)
    await memory.append(tenant, "two", [{"id": "a", "text": "\x00"}, {"id": "b"}, {"text": "no id"}])
    await memory.append(tenant, "two", [{"id": "a", "text": "again"}, {"id": "c"}])
    await memory.append(tenant, "three", [{"id": "a"}])
    loaded = await memory.load(tenant, "two", 4)
    assert [each.get("id") for each in loaded] == ["a", "b", None, "c"]
    assert [each.get("id") for each in await memory.load(tenant, "two", 2)] == [None, "c"]


async def test_messages_in_clear_are_not_added_again(database: Database, tenant: str) -> None:
    """As a version before wrote them; one has a NUL character, of which Postgres makes no text."""
    async with database.tenant_transaction(tenant) as connection:
        for message in ({"id": "a", "text": "x"}, {"id": "b", "text": "\x00"}):
            await connection.execute(
                "insert into chat_memory (tenant_id, session_key, message) values (%s, 'old', %s)",
                (tenant, json.dumps(message)),
            )
    memory = ChatMemoryStore(database)
    await memory.append(tenant, "old", [{"id": "a", "text": "again"}, {"id": "c", "text": "new"}])
    assert [each["id"] for each in await memory.load(tenant, "old", 10)] == ["a", "b", "c"]
