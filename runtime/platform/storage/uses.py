"""Which runs use a blob, and the deletion of blobs that none uses any more.

A use is a row: a blob, and the workflow id of a run. A run and the runs that it started (`parent~1`, `parent~1~2`) are a family,
whose members hold each other's blobs: items travel to children, and results back. What travels to another family (a retry)
is noted as used by that one, too.

A blob is deleted under a lock on its row, after another look for uses. Whoever notes a use changes that row first, so neither
can miss the other.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from runtime.platform.postgres import Connection, Database
from runtime.platform.storage.objects import Objects

__all__ = ["BlobCollector", "RunEnd", "delete_any", "delete_unused", "note_uses", "references_in", "release_runs"]

PAGE_ROWS: Final = 1_000
"""Uses per transaction."""
DELETE_BATCH: Final = 500
"""Blobs that one transaction of `delete_any` deletes."""
_REFERENCE: Final = re.compile(rb'"((?:blob|pieces):[0-9a-f]{64})"')

RunEnd = Callable[[str], Awaitable[datetime | bool | None]]
"""Returns when the run of a workflow id ended; True: it goes on; None: nobody knows it."""


def references_in(document: bytes) -> set[str]:
    """Return the ids of stored files (`blob:...`, `pieces:...`) in JSON."""
    return {match.decode() for match in _REFERENCE.findall(document)}


async def note_uses(connection: Connection, tenant: str, addresses: Iterable[bytes], used_by: str) -> set[bytes]:
    """Note that `used_by` uses blobs, in a transaction of the tenant; return the addresses of those that exist."""
    cursor = await connection.execute(
        "with there as (select address from payloads where tenant_id = %(tenant)s and address = any(%(addresses)s)"
        "  order by address for update),"
        " touched as (update payloads p set created_at = now() from there"
        "  where p.tenant_id = %(tenant)s and p.address = there.address returning p.address)"
        " insert into payload_uses (tenant_id, address, workflow_id) select %(tenant)s, address, %(used_by)s from touched"
        " on conflict (tenant_id, address, workflow_id) do update set used_at = now() returning address",
        {"tenant": tenant, "addresses": list(addresses), "used_by": used_by},
    )
    return {bytes(row["address"]) for row in await cursor.fetchall()}


async def release_runs(connection: Connection, tenant: str, workflow_ids: Sequence[str]) -> list[bytes]:
    """Delete the uses of runs that are deleted; return the addresses of their blobs. Of a family of which a run stays, that
    one has the uses from now on.
    """
    cursor = await connection.execute(
        "with gone as (delete from payload_uses where tenant_id = %(tenant)s and workflow_id = any(%(ids)s)"
        "  returning address, workflow_id),"
        " heirs as (select split_part(id, '~', 1) as root, min(id) as id from workflow_executions"
        "  where tenant_id = %(tenant)s and id <> all(%(ids)s)"
        "   and split_part(id, '~', 1) in (select split_part(workflow_id, '~', 1) from gone) group by 1),"
        " handed_on as (insert into payload_uses (tenant_id, address, workflow_id)"
        "  select distinct %(tenant)s, address, id from gone join heirs on root = split_part(workflow_id, '~', 1)"
        "  on conflict do nothing)"
        " select distinct address from gone",
        {"tenant": tenant, "ids": list(workflow_ids)},
    )
    return [bytes(row["address"]) for row in await cursor.fetchall()]


async def delete_unused(
    connection: Connection, objects: Objects | None, tenant: str, addresses: Sequence[bytes]
) -> int:
    """Delete those blobs that have no use (any more), bytes first; return their number."""
    await connection.execute(  # waits for whoever notes a use; the next statement sees it
        "select from payloads where tenant_id = %s and address = any(%s) order by address for update",
        (tenant, list(addresses)),
    )
    cursor = await connection.execute(
        "delete from payloads p where p.tenant_id = %s and p.address = any(%s) and not exists"
        " (select from payload_uses u where u.tenant_id = p.tenant_id and u.address = p.address)"
        " returning encode(address, 'hex') as address, sealed is null as away",
        (tenant, list(addresses)),
    )
    return await _delete_objects(objects, tenant, await cursor.fetchall())


async def delete_any(connection: Connection, objects: Objects | None, tenant: str) -> int:
    """Delete a batch of a tenant's blobs, whoever uses them; return their number."""
    cursor = await connection.execute(
        "delete from payloads where tenant_id = %(tenant)s and address = any(array("
        " select address from payloads where tenant_id = %(tenant)s limit %(limit)s))"
        " returning encode(address, 'hex') as address, sealed is null as away",
        {"tenant": tenant, "limit": DELETE_BATCH},
    )
    return await _delete_objects(objects, tenant, await cursor.fetchall())


async def _delete_objects(objects: Objects | None, tenant: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Delete from the bucket what these deleted rows stood for, before the rows are gone for others: see `BlobStore.put`."""
    if objects:
        await objects.delete(tenant, [row["address"] for row in rows if row["away"]])
    return len(rows)


@dataclass
class _Verdicts:
    """What becomes of a page of uses: (address, workflow id) to delete, and those to look at again, with their new time."""

    over: list[tuple[bytes, str]] = field(default_factory=list)
    held: list[tuple[bytes, str, datetime]] = field(default_factory=list)


class BlobCollector:
    """Deletes the uses of runs that ended longer ago than the retention, and blobs without uses.

    Args:
        database: where the rows are.
        objects: the bucket of the bytes; None: they are in the rows.
        run_end: asks after a run that is in no table.
    """

    def __init__(self, database: Database, objects: Objects | None, run_end: RunEnd) -> None:
        self._database, self._objects, self._run_end = database, objects, run_end

    async def collect_page(self, tenant: str, retention: timedelta) -> tuple[int, int]:
        """Look at the oldest uses; return how many were looked at (0: none is due) and how many blobs were deleted.

        Raises:
            DatabaseUnavailable: nothing of this page was deleted; objects of a bucket may be, whose rows are still there.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select address, workflow_id, split_part(workflow_id, '~', 1) as root, now() - %s as cutoff"
                " from payload_uses where tenant_id = %s and used_at < now() - %s order by used_at limit %s",
                (retention, tenant, retention, PAGE_ROWS),
            )
            uses = await cursor.fetchall()
            families = await _families(connection, tenant, list({use["root"] for use in uses}))
        if not uses:
            return 0, 0
        cutoff: datetime = uses[0]["cutoff"]
        verdicts = _Verdicts()
        unknown: dict[str, datetime | None] = {}
        for use in uses:
            end = families.get(use["root"], False)
            if end is False:
                if use["workflow_id"] not in unknown:
                    unknown[use["workflow_id"]] = await self._end_of_unknown(use["workflow_id"], cutoff + retention)
                end = unknown[use["workflow_id"]]
            elif end is True:
                end = cutoff + retention
            key = (bytes(use["address"]), use["workflow_id"])
            if isinstance(end, datetime) and end >= cutoff:
                verdicts.held.append((*key, end))
            else:
                verdicts.over.append(key)
        async with self._database.tenant_transaction(tenant) as connection:
            await _renew(connection, tenant, verdicts.held, cutoff)
            freed = await _release(connection, tenant, verdicts.over, cutoff)
            deleted = await delete_unused(connection, self._objects, tenant, freed)
        return len(uses), deleted

    async def _end_of_unknown(self, workflow_id: str, now: datetime) -> datetime | None:
        """Return when a run that is in no table ended, `now` for one that goes on; None: nobody knows it."""
        if workflow_id.count(":") < 2:  # tenant:template:run; all else is no run and releases its uses itself
            return now
        end = await self._run_end(workflow_id)
        return end if isinstance(end, datetime) else now if end else None


async def _families(connection: Connection, tenant: str, roots: Sequence[str]) -> dict[str, Any]:
    """Return, by root, when the last run of a family ended; True: one goes on. Unknown families are left out."""
    cursor = await connection.execute(
        "select split_part(id, '~', 1) as root, bool_or(closed_at is null) as open, max(closed_at) as closed_at"
        " from workflow_executions where tenant_id = %s and split_part(id, '~', 1) = any(%s) group by 1",
        (tenant, list(roots)),
    )
    return {row["root"]: True if row["open"] else row["closed_at"] for row in await cursor.fetchall()}


async def _renew(
    connection: Connection, tenant: str, held: Sequence[tuple[bytes, str, datetime]], cutoff: datetime
) -> None:
    """Look at these uses again when the retention after their new time is over."""
    await connection.execute(
        "update payload_uses u set used_at = v.at"
        " from unnest(%s::bytea[], %s::text[], %s::timestamptz[]) as v(address, workflow_id, at)"
        " where u.tenant_id = %s and u.address = v.address and u.workflow_id = v.workflow_id and u.used_at < %s",
        ([a for a, *_ in held], [w for _, w, _ in held], [at for *_, at in held], tenant, cutoff),
    )


async def _release(
    connection: Connection, tenant: str, over: Sequence[tuple[bytes, str]], cutoff: datetime
) -> list[bytes]:
    """Delete uses, unless they were noted anew since; return the addresses of their blobs."""
    cursor = await connection.execute(
        "delete from payload_uses u using unnest(%s::bytea[], %s::text[]) as v(address, workflow_id)"
        " where u.tenant_id = %s and u.address = v.address and u.workflow_id = v.workflow_id and u.used_at < %s"
        " returning u.address",
        ([a for a, _ in over], [w for _, w in over], tenant, cutoff),
    )
    return list({bytes(row["address"]) for row in await cursor.fetchall()})
