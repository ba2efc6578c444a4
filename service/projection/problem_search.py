"""Find the open runs that have problems, of all tenants, and keep their rows up to date with it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.telemetry.logging import get_logger
from schemas import names
from service.execution_store import ExecutionStore
from service.outages import is_outage
from service.projection.state import OpenRun, ProjectionState
from service.projection.visibility import Visibility, stamp
from service.projection.writer import RunWriter
from service.run_description import listed_run
from service.run_problems.failures import last_task_failure
from service.run_problems.finder import ProblemFinder
from service.run_problems.kinds import task_problem, worker_problem
from service.run_problems.problem import RunProblem
from service.run_reader import TemporalRuns
from service.worker_builds import WorkerBuilds
from service.worker_presence import WorkerPresence

__all__ = ["ProblemSearch", "WorkerQuestions"]

log = get_logger("tempor8.projector")

PAGE_RUNS: Final = 1_000
MAX_MESSAGES: Final = 20
"""Histories that are read per round for the message of a problem."""
MAX_NEW: Final = 500
"""Runs without workers that get their problem per round: when all workers are away, it may be every open run."""
MIN_AGE: Final = timedelta(seconds=30)
"""A younger run may still get its first worker."""
LOOKED_AT: Final = 50
"""Open runs that are described per round, each in its turn: Temporal has no list of steps that are tried again."""
MAX_CONCURRENT_DESCRIPTIONS: Final = 4


class WorkerQuestions:
    """Who polls, on all task queues.

    Args:
        client: of the namespace.
        queues: the task queues of runs, the shared one first.
        deployment: name of the workers' deployment.
    """

    def __init__(self, client: Client, queues: Sequence[str], deployment: str) -> None:
        self.presence = WorkerPresence(client, queues[0], deployment)
        self._builds, self._queues, self._deployment = WorkerBuilds(client, deployment, queues), queues, deployment

    async def missing(self) -> dict[str | None, RunProblem]:
        """Return the builds that no worker polls for on any queue, with the problem of their runs. None in place of a build: of
        runs that no worker has taken yet. Raise RPCError.
        """
        workers = await self.presence.look_at_all(self._queues)
        builds = [None, *(each.id for each in (await self._builds.describe()).builds)]
        missing = {build: workers.missing(build) for build in builds}
        return {build: worker_problem(each) for build, each in missing.items() if each is not None}

    def version(self, build: str) -> str:
        """Return a build as visibility names it."""
        return f"{self._deployment}:{build}"


class ProblemSearch:
    """Rounds over the open runs of this process's shards. A row has the gravest problem of its run.

    Args:
        client: of the namespace.
        store: of rows.
        state: of the projector.
        writer: of rows that are not there yet.
        shards: those of this process.
        workers: asked who polls; None: nobody is asked, and no run is without workers.
    """

    def __init__(
        self, client: Client, store: ExecutionStore, state: ProjectionState, writer: RunWriter,
        shards: Callable[[], frozenset[int]], workers: WorkerQuestions | None,
    ) -> None:  # fmt: skip
        self._client, self._store, self._state, self._writer = client, store, state, writer
        self._shards, self._workers = shards, workers
        self._visibility = Visibility(client)
        self._runs = TemporalRuns(client)
        presence = workers.presence if workers else WorkerPresence(client, "")
        self._finder = ProblemFinder(client, presence)
        self._descriptions = asyncio.Semaphore(MAX_CONCURRENT_DESCRIPTIONS)
        self._last = ("", "")
        """Tenant and id of the run that was described last."""
        self._lists_problems = True

    async def find_failing(self) -> None:
        """Write which runs Temporal reports problems of, and of which it does so no more."""
        if not self._lists_problems:
            return
        query = f"{names.PROBLEMS} IS NOT NULL AND ExecutionStatus = 'Running'"
        try:
            listed = await self._list(query)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            log.warning("this Temporal does not report problems of runs: its version is too old")
            self._lists_problems = False
            return
        reported = await self._reported("workflow_task")
        new = [each for each in listed if each.execution.workflow_id not in reported]
        for number, each in enumerate(new):
            await self._report_failing(each, with_message=number < MAX_MESSAGES)
        await self._clear(reported, {each.execution.workflow_id for each in listed})

    async def find_without_workers(self) -> None:
        """Write which runs wait for workers of a build that nobody polls for, and which no longer do."""
        if self._workers is None:
            return
        missing = await self._workers.missing()
        reported = await self._reported("worker")
        still: set[str] = set()
        new = 0
        for build, problem in missing.items():
            before = stamp(datetime.now(UTC) - MIN_AGE)
            version = "IS NULL" if build is None else f"= '{self._workers.version(build)}'"
            query = (
                f"ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion {version} AND StartTime < '{before}'"
            )
            for each in await self._list(query):
                id_ = each.execution.workflow_id
                still.add(id_)
                if id_ not in reported and new < MAX_NEW:
                    new += 1
                    await self._report(each, problem)
        await self._clear(reported, still)

    async def find_tried_again(self) -> None:
        """Describe some open runs, and those of which a step was tried again; write what stands in their way now."""
        rows = await self._state.open_after(self._last, LOOKED_AT)
        self._last = (rows[-1].tenant, rows[-1].id) if len(rows) == LOOKED_AT else ("", "")
        known = list((await self._reported("activity")).values())[:LOOKED_AT]
        due = {(run.tenant, run.id): run for run in [*rows, *known] if self._writer.projects(run.tenant)}
        await asyncio.gather(*(self._look(run) for run in due.values()))

    async def _look(self, open_: OpenRun) -> None:
        async with self._descriptions:
            run = await self._runs.describe(open_.id)
            if run is None or not run.open:
                return
            problems = [each for each in await self._finder.find(run.raw) if each.kind == "activity"]
            if problems:
                await self._state.report(open_.tenant, open_.id, problems[0])
            elif open_.kind == "activity":
                await self._state.report(open_.tenant, open_.id, None)

    async def _list(self, query: str) -> list[WorkflowExecutionInfo]:
        listed: list[WorkflowExecutionInfo] = []
        async for infos in self._visibility.pages(query, PAGE_RUNS):
            listed += [each for each in infos if self._is_ours(each)]
        return listed

    def _is_ours(self, info: WorkflowExecutionInfo) -> bool:
        id_ = info.execution.workflow_id
        return ":" in id_ and self._writer.projects(names.tenant_of(id_))

    async def _reported(self, kind: str) -> dict[str, OpenRun]:
        return {run.id: run for run in await self._state.reported(self._shards()) if run.kind == kind}

    async def _clear(self, reported: dict[str, OpenRun], still: set[str]) -> None:
        for run in reported.values():
            if run.id not in still and self._writer.projects(run.tenant):
                await self._state.report(run.tenant, run.id, None)

    async def _report_failing(self, info: WorkflowExecutionInfo, *, with_message: bool) -> None:
        run = await listed_run(info, self._client.data_converter)
        if run.problem is None:
            return
        problem = run.problem
        if with_message:
            try:
                failed = await last_task_failure(self._client, info.execution)
            except RPCError as error:
                if is_outage(error):
                    raise
                failed = None
            problem = task_problem(*failed) if failed else problem
        await self._report(info, problem)

    async def _report(self, info: WorkflowExecutionInfo, problem: RunProblem) -> None:
        run = await listed_run(info, self._client.data_converter)
        if await self._store.get(run.tenant, run.id) is None:
            await self._writer.write([(run, 0)])
        await self._state.report(run.tenant, run.id, problem)
