"""Find a run of the tenant: in Temporal, or in the stored rows once Temporal has deleted it."""

from typing import Protocol

from api.dependencies import Dependencies
from api.problems import UnknownRun
from schemas.names import tenant_of
from service.execution_store import ExecutionRow
from service.run_archive import ArchivedRun
from service.run_reader import RunDescription

__all__ = [
    "RunSource",
    "find_run",
    "has_data",
    "require_archived",
    "require_data",
    "require_ended",
    "require_row",
    "require_run",
]


class RunSource(Protocol):
    """Where runs are looked up: Temporal, or what the watches of this process saw of them."""

    async def describe(self, workflow_id: str) -> RunDescription | None:
        """Return the run; None when there is no record of it. Raises RPCError: Temporal does not answer."""


async def find_run(tenant: str, workflow_id: str, runs: RunSource) -> RunDescription | None:
    """Return the tenant's run; None when Temporal has none.

    Raises:
        UnknownRun: the id is another tenant's, or no id of a run; Temporal is not asked.
    """
    if tenant_of(workflow_id) != tenant or workflow_id.count(":") < 2 or "\x00" in workflow_id:  # tenant:template:run
        raise _unknown(workflow_id)
    return await runs.describe(workflow_id)


async def require_run(tenant: str, workflow_id: str, runs: RunSource) -> RunDescription:
    """Return the tenant's run. Raises UnknownRun: Temporal has none."""
    run = await find_run(tenant, workflow_id, runs)
    if run is None:
        raise _unknown(workflow_id)
    return run


async def require_row(
    tenant: str, workflow_id: str, dependencies: Dependencies, *, with_steps: bool = False
) -> ExecutionRow:
    """Return the stored row of the tenant's run. Raises UnknownRun: there is none."""
    row = await dependencies.executions.get(tenant, workflow_id, with_steps=with_steps)
    if row is None:
        raise _unknown(workflow_id)
    return row


async def require_ended(tenant: str, workflow_id: str, dependencies: Dependencies) -> ExecutionRow:
    """Return the stored row, with its steps, of a run that has ended. Raises UnknownRun: there is none."""
    row = await require_row(tenant, workflow_id, dependencies, with_steps=True)
    if row.closed_at is None:  # a transient run that goes on, of whose steps nobody tells
        raise _unknown(workflow_id)
    return row


async def has_data(run: RunDescription, dependencies: Dependencies) -> bool:
    """Return False for a run that has ended in a way of which its workflow's settings keep no data."""
    return run.open or (await dependencies.store.settings(run.tenant, run.plan_hash)).saves(run.status)


async def require_data(run: RunDescription, dependencies: Dependencies) -> None:
    """Raise UnknownRun for a run of which no data are kept, see `has_data`."""
    if not await has_data(run, dependencies):
        raise UnknownRun(
            f"The run ended ({run.status}), and the settings of its workflow keep no data of such runs "
            "(saveDataSuccessExecution, saveDataErrorExecution)."
        )


async def require_archived(tenant: str, workflow_id: str, dependencies: Dependencies) -> ArchivedRun:
    """Return what a run left that Temporal has no record of. Raises UnknownRun: nothing is stored of it."""
    archived = await dependencies.archive.read(await require_row(tenant, workflow_id, dependencies))
    if archived is None:
        raise UnknownRun(
            f"Nothing but the status of run {workflow_id!r} is stored: Temporal has no record of it any more, and the settings "
            "of its workflow keep no data of such runs, or it ended while nobody stored what it left."
        )
    return archived


def _unknown(workflow_id: str) -> UnknownRun:
    return UnknownRun(f"There is no run {workflow_id!r}.")
