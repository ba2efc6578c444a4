"""What workers say of runs that have just ended: the projector takes a run's end from here and need not read it from Temporal.

Only Temporal knows whether a run has ended, and how. So nothing here is shown before Temporal lists the run as ended, and an
end that a later workflow task of the run has replaced is not taken.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import History, HistoryEvent

from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import Database
from schemas.run_end import RunEnd
from service.run_description import RunDescription
from service.storable import storable_text

__all__ = ["RunEnds"]

MAX_LAST_EVENTS: Final = 4
"""Events that the last workflow task of a run may add for its end to be taken: the task's completion, the run's, and two more. A
task that was done again has left five at least."""
BEGIN: Final = b"select set_config('app.tenant_id', %(tenant)s, true)"
WRITE: Final = b"""
    insert into run_ends (tenant_id, execution_id, run_id, history_length, sealed)
    select %(tenant)s, * from unnest(%(id)s::text[], %(run_id)s::text[], %(length)s::integer[], %(sealed)s::bytea[])
    on conflict (tenant_id, execution_id) do update set run_id = excluded.run_id,
        history_length = excluded.history_length, sealed = excluded.sealed, created_at = excluded.created_at
    where (run_ends.run_id, run_ends.history_length) is distinct from (excluded.run_id, excluded.history_length)"""
READ: Final = b"""
    select execution_id, run_id, history_length, sealed from run_ends
    where tenant_id = %(tenant)s and execution_id = any(%(id)s::text[])"""


class RunEnds:
    """The table of ends of all tenants' runs."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, self._keyring = database, keyring

    async def write(self, ends: Sequence[RunEnd]) -> None:
        """Write ends of any tenants.

        Raises:
            DatabaseUnavailable, psycopg.Error: none is written.
        """
        by_tenant: defaultdict[str, dict[str, RunEnd]] = defaultdict(dict)
        for end in ends:
            by_tenant[end.tenant][end.id] = end
        for tenant in by_tenant:
            await self._keyring.load(tenant)
        async with self._database.transaction() as connection, connection.pipeline():
            for tenant, of_tenant in sorted(by_tenant.items()):
                latest = [each for _, each in sorted(of_tenant.items())]
                await connection.execute(BEGIN, {"tenant": tenant})
                await connection.execute(
                    WRITE,
                    {
                        "tenant": tenant,
                        "id": [each.id for each in latest],
                        "run_id": [each.run_id for each in latest],
                        "length": [each.history_length for each in latest],
                        "sealed": [self._keyring.seal(tenant, Purpose.ARCHIVE, _document(each)) for each in latest],
                    },
                )

    async def read(self, runs: Sequence[RunDescription]) -> dict[str, bytes]:
        """Return what workers said of these ended runs, sealed as the archive has it, by workflow id. Raise DatabaseUnavailable."""
        by_tenant: defaultdict[str, dict[str, RunDescription]] = defaultdict(dict)
        for run in runs:
            by_tenant[run.tenant][run.id] = run
        ends: dict[str, bytes] = {}
        if not by_tenant:
            return ends
        async with self._database.transaction() as connection, connection.pipeline():
            cursors = []
            for tenant, of_tenant in by_tenant.items():
                await connection.execute(BEGIN, {"tenant": tenant})
                ids = [storable_text(each) for each in of_tenant]
                cursors.append((of_tenant, await connection.execute(READ, {"tenant": tenant, "id": ids})))
            for of_tenant, cursor in cursors:
                for row in await cursor.fetchall():
                    ended = of_tenant[row["execution_id"]]
                    if _fits(ended, row["run_id"], row["history_length"]):
                        ends[ended.id] = row["sealed"]
        for tenant, of_tenant in by_tenant.items():
            for sealed in (ends[id_] for id_ in of_tenant if id_ in ends):
                await self._keyring.load(tenant, sealed)
        return ends

    def open(self, tenant: str, sealed: bytes) -> HistoryEvent:
        """Return the last event of a run, of bytes from `read`. Raises SealError."""
        return History.FromString(self._keyring.open(tenant, Purpose.ARCHIVE, sealed)).events[-1]


def _fits(run: RunDescription, run_id: str, history_length: int) -> bool:
    return run.run_id == run_id and 0 < run.history_length - history_length <= MAX_LAST_EVENTS


def _document(end: RunEnd) -> bytes:
    """Return an end as the archive stores runs; see `service.run_archive`."""
    first, last = HistoryEvent(event_id=1), HistoryEvent()
    first.workflow_execution_started_event_attributes.input.payloads.append(_json(end.start))
    last.workflow_execution_completed_event_attributes.result.payloads.append(_json(end.result))
    return History(events=[first, last]).SerializeToString()


def _json(data: bytes) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=data)
