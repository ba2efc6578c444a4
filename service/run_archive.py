"""What a closed run leaves in Postgres: its result and what a retry needs, for as long as its row, whatever Temporal keeps.

The last event of the run is stored as Temporal has it, so payloads that are large stay references into the payload store,
which the run uses anyway. A run that left no state (it did not fail) has its input stored beside it, to begin again with.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import History, HistoryEvent

from runtime.engine.node_runs import from_json
from runtime.engine.run_items import items_page
from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import UNREADABLE
from runtime.platform.storage.payloads import dumps
from runtime.platform.telemetry.logging import get_logger
from schemas.kinds import RunStatus
from schemas.run import ItemsAnswer, ItemsPage, RunReply
from service.execution_rows import ExecutionRow
from service.run_ends import RunEnds
from service.run_reader import Outcome, RunDescription, TemporalRuns

__all__ = ["ArchivedRun", "RunArchive", "description_of", "items_of_state"]

log = get_logger("tempor8.archive")

MAX_INLINE_BYTES: Final = 256 * 1024
"""Bytes of an archived document at most: what is larger in an event is a reference. A run over it is not archived."""
PLAN_MEMBER: Final = "plan"
"""The member of a run's input that is not archived: the table of templates has it."""


@dataclass(frozen=True)
class ArchivedRun:
    """A run that Temporal need not know any more."""

    run: RunDescription
    outcome: Outcome
    start: dict[str, Any] | None
    """The run's StartInput without its plan; None: it left its state, or the input cannot be read."""


class RunArchive:
    """The archive of all tenants' runs.

    Args:
        database: where the rows are.
        keyring: seals them.
        reader: opens the payloads of events, and asks Temporal for a run's input.
    """

    def __init__(self, database: Database, keyring: Keyring, reader: TemporalRuns) -> None:
        self._database, self._keyring, self._reader = database, keyring, reader
        self.ends = RunEnds(database, keyring)
        """What workers say of ended runs, in the same form."""

    async def seal(self, run: RunDescription, outcome: Outcome) -> bytes | None:
        """Return what is to be stored of a closed run (`ExecutionRow.archive`); None: nothing can be.

        Raises:
            RPCError: Temporal does not answer.
        """
        if outcome.event is None:
            return None
        events = [outcome.event]
        if len(_details(outcome.event)) < 2:  # RunResult, state
            first = await self._reader.first_event(run)
            if first is None:
                return None
            events.insert(0, await self._without_plan(run, first))
        document = History(events=events).SerializeToString()
        if len(document) > MAX_INLINE_BYTES:
            log.warning("a run is too large for the archive", workflow_id=run.id, bytes=len(document))
            return None
        await self._keyring.load(run.tenant)
        return self._keyring.seal(run.tenant, Purpose.ARCHIVE, document)

    async def read(self, row: ExecutionRow) -> ArchivedRun | None:
        """Return what a run left; None: nothing is stored of it.

        Raises:
            DatabaseUnavailable: try again.
            SealError: sealed with a key that this process does not have.
        """
        async with self._database.tenant_transaction(row.tenant) as connection:
            cursor = await connection.execute(
                "select sealed from run_archive where tenant_id = %s and execution_id = %s", (row.tenant, row.id)
            )
            stored = await cursor.fetchone()
        if stored is None:
            return None
        await self._keyring.load(row.tenant, stored["sealed"])
        events = History.FromString(self._keyring.open(row.tenant, Purpose.ARCHIVE, stored["sealed"])).events
        run = description_of(row)
        start: dict[str, Any] | None = None
        if len(events) > 1:
            with contextlib.suppress(*UNREADABLE):
                start = await self._start(run, events[0])
        return ArchivedRun(run, await self._reader.outcome_of(run, events[-1]), start)

    async def state(self, archived: ArchivedRun) -> dict[str, Any] | None:
        """Return `{state, mode}` of a run that left its state, as the state query of a run does; else None."""
        event = archived.outcome.event
        return None if event is None else await self._reader.state_of(archived.run, event)

    async def items(self, archived: ArchivedRun, page: ItemsPage) -> ItemsAnswer | None:
        """Return items of a run of a node of a run that left its state; None: it left none, or they are not in it."""
        return items_of_state(await self.state(archived) or {}, page)

    async def reply(self, row: ExecutionRow) -> RunReply:
        """Return a run's reply to its caller, for a delivery that comes again; an empty one when nothing is stored."""
        archived = await self.read(row)
        result = archived.outcome.result if archived else None
        if result is None:
            return RunReply()
        return RunReply(response=result.response, finished=None if result.response else result)

    async def _start(self, run: RunDescription, event: HistoryEvent) -> dict[str, Any]:
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        (start,) = await self._reader.converter_of(run).decode(payloads, [dict])
        return {name: value for name, value in start.items() if name != PLAN_MEMBER}

    async def _without_plan(self, run: RunDescription, event: HistoryEvent) -> HistoryEvent:
        """Return the first event with nothing but the run's input, and that without its plan unless it is a reference."""
        input_ = event.workflow_execution_started_event_attributes.input.payloads
        slim = HistoryEvent(event_id=event.event_id)
        attributes = slim.workflow_execution_started_event_attributes
        if any(payload.external_payloads for payload in input_):
            attributes.input.payloads.extend(input_)
        else:
            start = await self._start(run, event)
            attributes.input.payloads.append(Payload(metadata={"encoding": b"json/plain"}, data=dumps(start)))
        return slim


def items_of_state(left: dict[str, Any], page: ItemsPage) -> ItemsAnswer | None:
    """Return items of a run of a node from the state that its run left (`{state, mode}`); None: they are not in it."""
    state = left.get("state") or {}
    return items_page({name: from_json(runs) for name, runs in state.get("runs", {}).items()}, page)


def description_of(row: ExecutionRow) -> RunDescription:
    """Return a stored row as Temporal would describe the run."""
    return RunDescription(
        id=row.id, run_id=row.run_id, tenant=row.tenant, template=row.template, plan_hash=row.plan_hash,
        trigger_kind=row.trigger_kind, status=RunStatus(row.status), started_at=row.started_at, closed_at=row.closed_at,
        parent_id=row.parent_id, user_id=row.user_id, retry_of=row.retry_of,
    )  # fmt: skip


def _details(event: HistoryEvent) -> Sequence[Payload]:
    failure = event.workflow_execution_failed_event_attributes.failure
    return failure.application_failure_info.details.payloads
