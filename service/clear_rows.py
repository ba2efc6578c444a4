"""Which rows have data of tenants in clear, as versions before wrote them, and what becomes of each."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from runtime.platform.postgres import Connection
from runtime.platform.telemetry.logging import get_logger
from service.columns import Columns, clear_text
from service.outages import is_outage
from service.run_columns import seal_problem, seal_user

__all__ = ["CLEAR_ROWS", "ClearRows"]

log = get_logger("tempor8.sealing")

BATCH_BYTES: Final = 8 << 20
"""Bytes in clear of a transaction, one row at least: what is in memory at once."""
Row = Mapping[str, Any]
Change = Callable[[Columns, Row], dict[str, Any]]
"""Returns the new values of a row, by column. The row has its key, what `also` selects, and `clear`: the text in clear."""


@dataclass(frozen=True)
class ClearRows:
    """The rows of one table with a column in clear."""

    table: str
    key: tuple[str, ...]
    """Columns that name a row of a tenant."""
    clear: str
    """The column; null where it is sealed."""
    change: Change
    also: str = ""
    """More columns for `change`."""
    where: str = ""
    """Which rows are in clear, when null does not say so."""

    @property
    def _from(self) -> str:
        return f"from {self.table} where tenant_id = %(tenant)s and {self.where or f'{self.clear} is not null'}"

    async def count(self, connection: Connection, tenant: str, limit: int) -> int:
        """Return how many rows are in clear, `limit` at most."""
        query = f"select count(*) as n from (select {self._from} limit %(limit)s) as found"  # noqa: S608  # names are ours
        row = await (await connection.execute(query.encode(), {"tenant": tenant, "limit": limit})).fetchone()
        return int(row["n"]) if row else 0

    async def seal(self, connection: Connection, columns: Columns, tenant: str, limit: int) -> int:
        """Seal so many rows at most, in the caller's transaction, and return their number. Those that another process seals now
        are left to it, and those that cannot be sealed are left out and logged.
        """
        query = self._batch_query()
        given = {"tenant": tenant, "limit": limit, "bytes": BATCH_BYTES}
        rows = await (await connection.execute(query.encode(), given)).fetchall()
        old = [{f"old_{name}": row[name] for name in self.key} | {"old_tenant_id": tenant} for row in rows]
        changes = await asyncio.to_thread(lambda: [self.change(columns, row) for row in rows])
        values = [change | each for change, each in zip(changes, old, strict=True)]
        return await self._update(connection, tenant, values) if values else 0

    def _batch_query(self) -> str:
        """Return the query for the next rows: so many, as far as their texts are not too large together."""
        selected = ", ".join([*self.key, *filter(None, [self.also]), f"{self.clear}::text as clear"])
        return f"""
            with found as materialized (select {selected} {self._from} limit %(limit)s for update skip locked),
            sized as (select *, sum(octet_length(clear)) over (rows unbounded preceding) - octet_length(clear) as before from found)
            select * from sized where before < %(bytes)s"""  # noqa: S608  # names are ours

    async def _update(self, connection: Connection, tenant: str, values: Sequence[dict[str, Any]]) -> int:
        assignments = ", ".join(f"{name} = %({name})s" for name in values[0] if not name.startswith("old_"))
        of_row = " and ".join(f"{name} = %(old_{name})s" for name in ("tenant_id", *self.key))
        update = f"update {self.table} set {assignments} where {of_row}".encode()  # noqa: S608  # names are ours
        try:
            async with connection.transaction():
                await connection.cursor().executemany(update, values)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            if len(values) > 1:  # each on its own, so that one holds up no other
                return sum([await self._update(connection, tenant, [each]) for each in values])
            place = f"{self.table}.{self.clear}"
            log.error("a row cannot be sealed", tenant=tenant, column=place, sqlstate=error.sqlstate)  # noqa: TRY400  # quotes it
            return 0
        return len(values)


def _pair(clear: str, place: Callable[[Row], tuple[str, ...]], sealed: str = "sealed") -> Change:
    def change(columns: Columns, row: Row) -> dict[str, Any]:
        return dict(zip((clear, sealed), columns.pair(place(row), row["clear"]), strict=True))

    return change


def _message(columns: Columns, row: Row) -> dict[str, Any]:
    message = json.loads(row["clear"])
    id_ = message.get("id") if isinstance(message, dict) else None
    digest = columns.digests(str(id_))[0] if id_ is not None else ""
    clear, sealed = columns.pair(("chat_memory", digest), row["clear"])
    return {
        "session_key": columns.digests(row["session_key"])[0], "message": clear, "sealed": sealed,
        "message_digest": bytes.fromhex(digest) if digest else None,
    }  # fmt: skip


def _template_plan(columns: Columns, row: Row) -> dict[str, Any]:
    pair = _pair("plan", lambda row: ("plan", row["plan_hash"]), "sealed_plan")
    return pair(columns, row) | {"workflow_id": json.loads(row["clear"]).get("workflow_id")}


CLEAR_ROWS: Final = (
    ClearRows(
        "static_data", ("template_key",), "data", _pair("data", lambda row: ("static_data", row["template_key"]))
    ),
    ClearRows("variables", ("key",), "value", _pair("value", lambda row: ("variables", row["key"]))),
    ClearRows("chat_memory", ("session_key", "sequence"), "message", _message),
    ClearRows(
        "vector_documents", ("store_key", "document_id"), "document",
        lambda columns, row: _pair("document", lambda row: ("vector_documents", row["document_id"]))(columns, row)
        | {"store_key": columns.digests(row["store_key"])[0]},
    ),
    ClearRows(
        "data_table_rows", ("table_id", "id"), "row",
        _pair("row", lambda row: ("data_table_rows", row["table_id"], str(row["id"]))),
    ),
    ClearRows("seen_values", ("scope",), "list", _pair("list", lambda row: ("seen_values", row["scope"]))),
    ClearRows("kept_results", ("key",), "result", _pair("result", lambda row: ("kept_results", row["key"]))),
    ClearRows(
        "trigger_registrations", ("id",), "wanted",
        _pair("wanted", lambda row: ("trigger_registrations", row["id"], "wanted"), "sealed_wanted"),
    ),
    ClearRows(
        "trigger_registrations", ("id",), "applied",
        _pair("applied", lambda row: ("trigger_registrations", row["id"], "applied"), "sealed_applied"),
    ),
    ClearRows("plans", ("hash",), "plan", _pair("plan", lambda row: ("plan", row["hash"]))),
    ClearRows(
        "workflow_templates", ("key", "version"), "plan", _template_plan,
        also="plan_hash",
    ),
    ClearRows(
        "workflow_templates", ("key", "version"), "export",
        _pair("export", lambda row: ("export", row["plan_hash"]), "sealed_export"), also="plan_hash",
    ),
    ClearRows(
        "workflow_executions", ("id",), "error", _pair("error", lambda row: ("error", row["id"]), "sealed_error")
    ),
    ClearRows(
        "workflow_events", ("execution_id", "sequence"), "error",
        _pair("error", lambda row: ("error", row["execution_id"], str(row["sequence"])), "sealed_error"),
    ),
    ClearRows(
        "workflow_executions", ("id",), "user_id", lambda columns, row: {"user_id": seal_user(columns, clear_text(row["clear"]))},
        where="user_id is not null and not starts_with(user_id, 'sealed:')",
    ),
    ClearRows(
        "workflow_executions", ("id",), "problem",
        lambda columns, row: {"problem": seal_problem(columns, row["id"], row["whole"])},
        also="problem as whole", where="problem ->> 'message' is not null",
    ),
)  # fmt: skip
"""Every column with data of tenants that versions before wrote in clear."""
