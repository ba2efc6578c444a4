"""The audit log: who changed what, when, from where, and whether it succeeded. Rows are added and never changed.

What the operator does to a tenant is in that tenant's log, and in the operator's own (tenant `*`), which outlives the tenant.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from psycopg.errors import ForeignKeyViolation

from runtime.platform.postgres import SHARED, Database
from runtime.platform.sealing import Purpose, SealError
from runtime.platform.storage.payloads import dumps, loads
from runtime.platform.telemetry.logging import get_logger
from service.api_keys import TENANT_ID
from service.page_cursor import BadCursor, page_cursor, parse_cursor
from service.run_start import uuid7
from service.storable import storable_text
from service.tenant_rows import insert_tenant

__all__ = ["ActorKind", "AuditEntry", "AuditLog", "AuditRecord", "Outcome", "audit_cursor"]

log = get_logger("tempor8.audit")

TEXT_LIMIT: Final = 1000
"""Characters of a text of a row."""
DETAILS_BYTES: Final = 64 * 1024
"""Size of details; of longer ones only the short members stay."""
SHORT: Final = frozenset({"node", "kind", "ordinal", "approved"})
EXPIRY_ROWS: Final = 100
"""Expired rows that one write deletes: more than it adds, so that no log grows beyond its retention."""


class ActorKind(StrEnum):
    """Who acts."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # a label
    OPERATOR = "operator"
    CLI = "cli"
    LINK = "link"
    """Who has the link of a message or a form that a run waits for: `actor` is empty."""


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    DENIED = "denied"
    """The caller may not do that."""
    REFUSED = "refused"
    """The request cannot be fulfilled as it is."""
    FAILED = "failed"
    """The service could not; what it had done by then may stand."""


@dataclass(frozen=True)
class AuditRecord:
    """What is to be written. `object` is a path of kinds and ids: `template/greeting`, `run/acme:greeting:...`."""

    tenant: str
    actor_kind: ActorKind
    actor: str
    action: str
    object: str
    outcome: Outcome
    request_id: str
    actor_name: str = ""
    status: int | None = None
    """Of the HTTP response; None at the command line."""
    address: str = ""
    """Where the request came from."""
    details: Mapping[str, Any] | None = None
    """JSON: what was decided, where the action is an answer to a run. Sealed."""


@dataclass(frozen=True)
class AuditEntry:
    """A row of the log."""

    id: str
    at: datetime
    record: AuditRecord


def audit_cursor(entry: AuditEntry) -> str:
    """Return the cursor of the page that follows `entry`."""
    return page_cursor(entry.at, entry.id)


def _parse_cursor(cursor: str) -> tuple[datetime, uuid.UUID]:
    at, id_ = parse_cursor(cursor)
    try:
        return at, uuid.UUID(id_)
    except ValueError as error:
        raise BadCursor from error


class AuditLog:
    """Rows of `audit_log`, kept for `retention`."""

    def __init__(self, database: Database, retention: timedelta) -> None:
        self._database, self._retention = database, retention

    async def write(self, record: AuditRecord) -> None:
        """Write a record into its tenant's log, and the operator's into the operator's too.

        A tenant that does not exist has no log: then it is in the operator's alone, or in the process's own log.

        Raises:
            DatabaseUnavailable: it may not be written.
        """
        if record.actor_kind in (ActorKind.OPERATOR, ActorKind.CLI):
            await self._insert(SHARED, record)
        if TENANT_ID.fullmatch(record.tenant):
            await self._insert(record.tenant, record)

    async def _insert(self, tenant: str, record: AuditRecord) -> None:
        texts = (record.actor, record.actor_name, record.action, record.object, record.request_id, record.address)
        actor, actor_name, action, object_, request_id, address = (storable_text(each, TEXT_LIMIT) for each in texts)
        id_ = uuid7()
        details = await self._seal(tenant, id_, record.details)
        try:
            async with self._database.tenant_transaction(tenant) as connection:
                if tenant == SHARED:
                    await insert_tenant(connection, tenant, "Operator")
                await connection.execute(
                    "insert into audit_log (tenant_id, id, actor_kind, actor, actor_name, action, object, outcome,"
                    " status, request_id, address, details) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        tenant, id_, str(record.actor_kind), actor, actor_name, action, object_,
                        str(record.outcome), record.status, request_id, address, details,
                    ),
                )  # fmt: skip
                await connection.execute(DELETE_EXPIRED, (tenant, self._retention, EXPIRY_ROWS))
        except ForeignKeyViolation:
            log.warning("audit of a tenant that does not exist", tenant=tenant, action=action, object=object_)

    async def _seal(self, tenant: str, id_: Any, details: Mapping[str, Any] | None) -> bytes | None:
        """Return details as they are stored. In the operator's own log there are none: they are the tenant's."""
        if details is None or tenant == SHARED:
            return None
        data = dumps(details)
        if len(data) > DETAILS_BYTES:
            data = dumps({**{name: value for name, value in details.items() if name in SHORT}, "cut": True})
        await self._database.keys.load(tenant)
        return self._database.keys.seal(tenant, Purpose.AUDIT, data, place=str(id_).encode())

    async def _opened(self, rows: Sequence[dict[str, Any]]) -> list[AuditEntry]:
        """Return rows as entries, with their details where they can be opened."""
        return [_entry(row, await self._details(row)) for row in rows]

    async def _details(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if row["details"] is None:
            return None
        try:
            await self._database.keys.load(row["tenant_id"], row["details"])
            data = self._database.keys.open(
                row["tenant_id"], Purpose.AUDIT, row["details"], place=str(row["id"]).encode()
            )
        except SealError:  # the key is gone, or this process has none: the entry itself is there
            return None
        opened: Mapping[str, Any] = loads(data)
        return opened

    async def page(self, tenant: str, *, before: str | None = None, limit: int = 50) -> list[AuditEntry]:
        """Return entries of a tenant, newest first; one more than `limit` when there is a next page.

        Args:
            tenant: whose; `*`: the operator's own.
            before: cursor of the page before.
            limit: entries per page.

        Raises:
            BadCursor: `before` is no cursor.
            DatabaseUnavailable: Postgres does not answer.
        """
        at, id_ = _parse_cursor(before) if before is not None else (None, None)
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select * from audit_log where tenant_id = %(tenant)s and at >= now() - %(retention)s"
                " and (%(at)s::timestamptz is null or (at, id) < (%(at)s, %(id)s::uuid))"
                " order by at desc, id desc limit %(limit)s",
                {"tenant": tenant, "retention": self._retention, "at": at, "id": id_, "limit": limit + 1},
            )
            rows = await cursor.fetchall()
        return await self._opened(rows)

    async def of_object(self, tenant: str, action: str, object_: str, limit: int = 50) -> list[AuditEntry]:
        """Return entries of an action on an object, newest first; for `run.answer` there is an index. Raise DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"select * from audit_log where tenant_id = %(tenant)s and action = '{action}' and object = %(object)s"  # noqa: S608  # ours
                " and at >= now() - %(retention)s order by at desc limit %(limit)s".encode(),
                {
                    "tenant": tenant,
                    "object": storable_text(object_, TEXT_LIMIT),
                    "retention": self._retention,
                    "limit": limit,
                },
            )
            rows = await cursor.fetchall()
        return await self._opened(rows)

    async def expire(self, tenant: str, limit: int) -> int:
        """Delete up to `limit` rows of a tenant that are older than the retention; return their number."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(DELETE_EXPIRED, (tenant, self._retention, limit))
            return cursor.rowcount


def _entry(row: dict[str, Any], details: Mapping[str, Any] | None) -> AuditEntry:
    record = AuditRecord(
        tenant=row["tenant_id"],
        actor_kind=ActorKind(row["actor_kind"]),
        actor=row["actor"],
        actor_name=row["actor_name"],
        action=row["action"],
        object=row["object"],
        outcome=Outcome(row["outcome"]),
        status=row["status"],
        request_id=row["request_id"],
        address=row["address"],
        details=details,
    )
    return AuditEntry(str(row["id"]), row["at"], record)


DELETE_EXPIRED: Final = """
    delete from audit_log where ctid = any(array(
        select ctid from audit_log where tenant_id = %s and at < now() - %s order by at limit %s))"""
