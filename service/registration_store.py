"""The rows of triggers that are registered at vendors: which ones templates want, and what the vendors were told."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from runtime.platform.postgres import Connection, Database
from schemas.plan import Plan
from service.columns import Columns

__all__ = ["Registration", "RegistrationStore", "registrations_of", "unwant_registrations", "write_registrations"]

TABLE: Final = "trigger_registrations"
LOOK_SECONDS: Final = 900
"""Between two looks whether a vendor still has a webhook."""
FIRST_PAUSE_SECONDS: Final = 5
MAX_PAUSE_SECONDS: Final = 600
"""Pause after an error; it doubles with each try."""
MAX_ERROR_LENGTH: Final = 1_000
COLUMNS: Final = (
    "id, template_key, node, wanted, sealed_wanted, wanted_digest, applied, sealed_applied, applied_digest, last_error,"
    " attempts"
)
DUE: Final = (
    "((wanted_digest is distinct from applied_digest or wanted_digest is null)"
    " and (next_try is null or next_try <= now())"
    f" or wanted_digest is not distinct from applied_digest and checked_at < now() - interval '{LOOK_SECONDS} seconds')"
)


@dataclass(frozen=True)
class Registration:
    """A trigger of a template, as it is wanted and as its vendor was told of it."""

    id: str
    template: str
    node: str
    wanted: dict[str, Any] | None
    """{step, path, workflow_id, word}; None: it is to be removed."""
    wanted_digest: str | None
    applied: dict[str, Any] | None
    """The same with {url, state} beside; None: the vendor was told nothing yet."""
    applied_digest: str | None
    error: str | None = None
    attempts: int = 0

    @property
    def known(self) -> Mapping[str, Any] | None:
        """Return what deliveries are checked with: what the vendor was told, or is about to be told."""
        return self.applied or self.wanted


def registrations_of(plan: Plan, key: str) -> list[dict[str, Any]]:
    """Return what a plan's enabled triggers want to be registered with: {node, step, path, workflow_id}."""
    paths = {route.node: route.path for route in plan.routes if route.registers}
    return [
        {
            "node": name, "path": path, "workflow_id": plan.workflow_id or key,
            "step": plan.step[name].model_dump(mode="json", exclude={"edges", "position", "notes"}),
        }
        for name, path in paths.items()
    ]  # fmt: skip


async def write_registrations(
    connection: Connection, columns: Columns, tenant: str, key: str, wanted: Sequence[Mapping[str, Any]]
) -> None:
    """Set what a template wants registered, in the caller's transaction. One that is as it was keeps its secret word."""
    cursor = await connection.execute(
        "update trigger_registrations set wanted = null, sealed_wanted = null, wanted_digest = null, next_try = null,"
        " attempts = 0 where tenant_id = %s and template_key = %s and node <> all(%s)",
        (tenant, key, [each["node"] for each in wanted]),
    )
    for each in wanted:
        id_, text = f"{key}:{each['node']}", json.dumps(dict(each), sort_keys=True)
        word = {"word": secrets.token_urlsafe(24)}
        clear, sealed = columns.pair((TABLE, id_, "wanted"), json.dumps({**each, **word}))
        await connection.execute(
            "insert into trigger_registrations as r"
            " (tenant_id, id, template_key, node, wanted, sealed_wanted, wanted_digest) values (%s, %s, %s, %s, %s, %s, %s)"
            " on conflict (tenant_id, id) do update set wanted = excluded.wanted, sealed_wanted = excluded.sealed_wanted,"
            " wanted_digest = excluded.wanted_digest, attempts = 0, next_try = null"
            " where r.wanted_digest is distinct from excluded.wanted_digest",
            (tenant, id_, key, each["node"], clear, sealed, hashlib.sha256(text.encode()).hexdigest()),
        )
    if wanted or cursor.rowcount:
        await note_due(connection, tenant)


async def unwant_registrations(connection: Connection, tenant: str, key: str = "") -> None:
    """Have every registration of a template removed, or of the whole tenant, in the caller's transaction."""
    cursor = await connection.execute(
        "update trigger_registrations set wanted = null, sealed_wanted = null, wanted_digest = null, next_try = null,"
        " attempts = 0 where tenant_id = %(tenant)s and %(key)s in ('', template_key)",
        {"tenant": tenant, "key": key},
    )
    if cursor.rowcount:
        await note_due(connection, tenant)


async def note_due(connection: Connection, tenant: str) -> None:
    """Let it be a tenant's turn now."""
    await connection.execute(
        "insert into registration_tenants as t (tenant_id) values (%s) on conflict (tenant_id) do update"
        " set due_at = least(t.due_at, now())",
        (tenant,),
    )


class RegistrationStore:
    """Rows of registrations. Methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due_tenants(self, limit: int) -> list[str]:
        """Return tenants of which a row is to be looked at, who waited longest first."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from registration_tenants where due_at <= now() order by due_at limit %s", (limit,)
            )
            return [row["tenant_id"] for row in await cursor.fetchall()]

    async def due(self, tenant: str, limit: int) -> list[Registration]:
        """Return rows whose turn it is."""
        return await self._rows(tenant, f"{DUE} order by next_try nulls first, id limit {limit:d}")

    async def of_template(self, tenant: str, key: str) -> list[Registration]:
        """Return the rows of a template."""
        return await self._rows(tenant, "template_key = %(key)s order by id", key=key)

    async def of_node(self, tenant: str, key: str, node: str) -> Registration | None:
        """Return the row of a trigger; None: it is not registered, and shall not be."""
        found = await self._rows(tenant, "id = %(id)s and wanted_digest is not null", id=f"{key}:{node}")
        return found[0] if found else None

    async def is_removing(self, tenant: str, key: str = "") -> bool:
        """Return whether a registration of a template, or of the whole tenant, is still to be removed."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select 1 from trigger_registrations where tenant_id = %(tenant)s and wanted_digest is null"
                " and %(key)s in ('', template_key) limit 1",
                {"tenant": tenant, "key": key},
            )
            return await cursor.fetchone() is not None

    async def _rows(self, tenant: str, where: str, **values: Any) -> list[Registration]:
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"select {COLUMNS} from {TABLE} where tenant_id = %(tenant)s and {where}".encode(),  # noqa: S608  # ours
                {"tenant": tenant, **values},
            )
            rows = await cursor.fetchall()
        columns = Columns(self._database.keys, tenant)
        await columns.load([row[name] for row in rows for name in ("sealed_wanted", "sealed_applied")])
        return [
            Registration(
                row["id"], row["template_key"], row["node"],
                columns.json((TABLE, row["id"], "wanted"), row["wanted"], row["sealed_wanted"]), row["wanted_digest"],
                columns.json((TABLE, row["id"], "applied"), row["applied"], row["sealed_applied"]), row["applied_digest"],
                row["last_error"], row["attempts"],
            )
            for row in rows
        ]  # fmt: skip

    async def note_applied(self, tenant: str, row: Registration, applied: Mapping[str, Any]) -> None:
        """Note what the vendor was told for `row`, and that it has it."""
        columns = await Columns.of(self._database, tenant)
        clear, sealed = columns.pair((TABLE, row.id, "applied"), json.dumps(dict(applied)))
        await self._change(
            tenant, row,
            "update trigger_registrations set applied = %(clear)s, sealed_applied = %(sealed)s, applied_digest = %(digest)s,"
            " last_error = null, attempts = 0, next_try = null, checked_at = now()"
            " where tenant_id = %(tenant)s and id = %(id)s",
            clear=clear, sealed=sealed, digest=row.wanted_digest,
        )  # fmt: skip

    async def note_removed(self, tenant: str, row: Registration) -> None:
        """Note that the vendor has nothing of `row` any more; the row goes, unless it is wanted again."""
        await self._change(
            tenant, row,
            "delete from trigger_registrations where tenant_id = %(tenant)s and id = %(id)s and wanted_digest is null",
        )  # fmt: skip
        await self._change(
            tenant, row,
            "update trigger_registrations set applied = null, sealed_applied = null, applied_digest = null, checked_at = null,"
            " attempts = 0, next_try = null where tenant_id = %(tenant)s and id = %(id)s",
        )  # fmt: skip

    async def note_error(self, tenant: str, row: Registration, error: str) -> None:
        """Note an error after which the row is tried again, later each time."""
        pause = timedelta(seconds=min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(row.attempts, 10)))
        await self._change(
            tenant, row,
            "update trigger_registrations set last_error = %(error)s, attempts = attempts + 1, next_try = now() + %(pause)s,"
            " checked_at = case when checked_at is not null then now() end where tenant_id = %(tenant)s and id = %(id)s",
            error=error[:MAX_ERROR_LENGTH], pause=pause,
        )  # fmt: skip

    async def finish_turn(self, tenant: str) -> None:
        """Let it be the tenant's turn again when its next row is due; never, when it has none."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select min(case when wanted_digest is not null and wanted_digest is not distinct from applied_digest"
                " then checked_at + %(look)s else coalesce(next_try, now()) end) as due"
                " from trigger_registrations where tenant_id = %(tenant)s",
                {"tenant": tenant, "look": timedelta(seconds=LOOK_SECONDS)},
            )
            row = await cursor.fetchone()
            if row is None or row["due"] is None:
                await connection.execute("delete from registration_tenants where tenant_id = %s", (tenant,))
            else:
                await connection.execute(
                    "update registration_tenants set due_at = %s where tenant_id = %s", (row["due"], tenant)
                )

    async def _change(self, tenant: str, row: Registration, change: str, **values: Any) -> None:
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(change.encode(), {"tenant": tenant, "id": row.id, **values})
