"""Find a run of the tenant: in Temporal, or in the stored rows once Temporal has deleted it."""

from api.dependencies import Dependencies
from api.problems import UnknownRun
from schemas.names import tenant_of
from service.execution_store import ExecutionRow
from service.run_reader import RunDescription, TemporalRuns

__all__ = ["find_run", "has_data", "require_data", "require_row", "require_run"]


async def find_run(tenant: str, workflow_id: str, runs: TemporalRuns) -> RunDescription | None:
    """Return the tenant's run; None when Temporal has none.

    Raises:
        UnknownRun: the id is another tenant's, or no id of a run; Temporal is not asked.
    """
    if tenant_of(workflow_id) != tenant or workflow_id.count(":") < 2:  # tenant:template:run
        raise _unknown(workflow_id)
    return await runs.describe(workflow_id)


async def require_run(tenant: str, workflow_id: str, runs: TemporalRuns) -> RunDescription:
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


def _unknown(workflow_id: str) -> UnknownRun:
    return UnknownRun(f"There is no run {workflow_id!r}.")
