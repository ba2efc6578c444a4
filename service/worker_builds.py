"""Builds of the worker in Temporal's terms: which is current, which are polled for, and moving runs from one to another."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from schemas import names
from service.outages import is_outage

__all__ = ["Build", "Deployment", "PromotionRefusedError", "WorkerBuilds"]

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
"""Between two attempts: many workers that start together ask at the same time, and the server limits that per deployment."""
KNOWN_WITHIN_SECONDS: Final = 30.0
"""Seconds until a build that polls must be known to the server."""
NOT_YET: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION})
"""Statuses of a server that does not know a build yet, beside those of outages."""
POLL_SECONDS: Final = 75.0
"""A poll takes up to a minute; a worker that has begun none for longer is gone. The server is not told of its end."""
AWAY_SECONDS: Final = 120.0
"""For how long a server may be away, or too slow to answer, while runs are moved."""
MOVES_AT_ONCE: Final = 10
"""Requests to Temporal at a time while runs are moved: each wakes a run, and they share the server with everybody's."""


class PromotionRefusedError(Exception):
    """Temporal does not make a build the current one. The message says why and what to do."""


@dataclass(frozen=True)
class Build:
    """A build that the server knows."""

    id: str
    first_seen: float
    """Seconds since the epoch."""
    last_poll: float
    """When a worker of it last began to ask for workflow tasks on one of the task queues, seconds since the epoch; 0: unknown."""

    @property
    def polls(self) -> bool:
        """Whether a worker of it seems to be there."""
        return self.last_poll > time.time() - POLL_SECONDS


@dataclass(frozen=True)
class Deployment:
    """The builds of a deployment, newest first; `current` is None when none was ever promoted."""

    current: str | None
    builds: Sequence[Build]
    token: bytes = b""
    """Of this state: a promotion that names it fails when another one came first."""

    def build(self, id_: str | None) -> Build | None:
        """Return a build; None: the server does not know it."""
        return next((each for each in self.builds if each.id == id_), None)


class WorkerBuilds:
    """The builds of one deployment. The server answers only so many questions about a deployment per second.

    Args:
        client: of the namespace.
        deployment: its name.
        queues: the task queues on which its workers poll.
    """

    def __init__(self, client: Client, deployment: str, queues: Sequence[str]) -> None:
        self._client, self.deployment, self._queues = client, deployment, queues

    async def describe(self) -> Deployment:
        """Return what the server knows; nothing for a deployment that no worker has polled for. Raise RPCError."""
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=self.deployment)
        try:
            answer = await self._client.workflow_service.describe_worker_deployment(request, retry=True)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return Deployment(None, ())
        info = answer.worker_deployment_info
        polled: dict[str, float] = {}
        for queue in self._queues:
            for build_, at in await self._polled(queue):
                polled[build_] = max(at, polled.get(build_, 0.0))
        builds = [
            Build(
                each.deployment_version.build_id, each.create_time.ToNanoseconds() / 1e9,
                polled.get(each.deployment_version.build_id, 0.0),
            )
            for each in info.version_summaries
        ]  # fmt: skip
        current = info.routing_config.current_deployment_version.build_id or None
        return Deployment(current, sorted(builds, key=lambda build: -build.first_seen), answer.conflict_token)

    async def _polled(self, queue: str) -> list[tuple[str, float]]:
        answer = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
        return [
            (each.deployment_options.build_id, each.last_access_time.ToNanoseconds() / 1e9)
            for each in answer.pollers
            if each.deployment_options.deployment_name == self.deployment
        ]

    async def promote(self, build: str, *, unless: Callable[[Deployment], bool] = lambda _: False) -> bool:
        """Make a build the current one; a worker of it must poll. Return whether it is current now.

        `unless` sees the state that the promotion would change and may refuse; another promotion in between is seen, too.

        Raises:
            PromotionRefusedError: the server refuses, or does not know the build after 30 s.
        """
        clock = asyncio.get_running_loop().time
        until, pause = clock() + KNOWN_WITHIN_SECONDS, FIRST_PAUSE_SECONDS
        while True:
            try:
                state = await self.describe()
                if state.current == build:
                    return True
                if unless(state):
                    return False
                await self._client.workflow_service.set_worker_deployment_current_version(
                    SetWorkerDeploymentCurrentVersionRequest(
                        namespace=self._client.namespace,
                        deployment_name=self.deployment,
                        build_id=build,
                        identity=self._client.identity,
                        conflict_token=state.token,
                        ignore_missing_task_queues=True,
                    )
                )
            except RPCError as error:
                if not (error.status in NOT_YET or is_outage(error)) or clock() > until:
                    raise PromotionRefusedError(
                        f"Temporal did not make worker build {build!r} the current one ({error.status.name.lower()}: "
                        f"{error.message}). A worker of the build must poll; `tempor8 workers list` shows which do."
                    ) from error
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return True

    async def move_waiting(self, build: str, progress: Callable[[int], None] = lambda _: None) -> int:
        """Signal every open run of another build that a worker polls for to go over to the current build; return their number.

        A run goes over at its wait, or at its next step. One that has gone over already ignores the signal.
        """
        return await self._for_each(await self._others(build, polled=True), self._signal, progress)

    async def move_stranded(self, build: str, progress: Callable[[int], None] = lambda _: None) -> int:
        """Move every open run whose build no worker polls for, and return their number. Takes over a minute when a worker of such a
        build has just stopped: until then it may be one that is in the middle of a poll.

        The build replays the whole history of such a run. It goes on there if the histories of the older build replay on it, and
        fails its workflow tasks, visibly, until a build comes on which they do.
        """

        async def move(run: WorkflowExecution) -> None:
            await self._override(run, build)
            await self._signal(run)

        return await self._for_each(await self._gone(build), move, progress)

    async def _gone(self, build: str) -> Sequence[Build]:
        """Return the builds that have begun no poll for longer than a poll takes."""
        began = time.time()
        while True:
            silent = [each for each in (await self.describe()).builds if each.id != build and each.last_poll <= began]
            if time.time() > began + POLL_SECONDS:
                return silent
            perhaps = [each for each in silent if each.polls and await self.count_runs(each.id)]
            if not perhaps:
                return [each for each in silent if not each.polls]
            await asyncio.sleep(LONGEST_PAUSE_SECONDS)

    async def stranded(self, build: str) -> dict[str, int]:
        """Return the builds that no worker polls for, other than this one, with the number of their open runs (not 0)."""
        counts = {each.id: await self.count_runs(each.id) for each in await self._others(build, polled=False)}
        return {id_: number for id_, number in counts.items() if number}

    async def count_runs(self, build: str) -> int:
        """Return how many open runs a build has."""
        return (await self._client.count_workflows(self._query(build))).count

    async def _others(self, build: str, *, polled: bool) -> Sequence[Build]:
        return [each for each in (await self.describe()).builds if each.id != build and each.polls is polled]

    def _query(self, build: str) -> str:
        return f"ExecutionStatus = 'Running' and TemporalWorkerDeploymentVersion = '{self.deployment}:{build}'"

    async def _for_each(
        self,
        builds: Sequence[Build],
        work: Callable[[WorkflowExecution], Awaitable[None]],
        progress: Callable[[int], None],
    ) -> int:
        """Do work with every open run of the builds, and return their number. A server that is away is waited for: it is asked for the runs
        anew, and those that are done are passed over. Raise RPCError: nothing was done for AWAY_SECONDS.
        """
        done: set[str] = set()
        clock, pause = asyncio.get_running_loop().time, FIRST_PAUSE_SECONDS
        until, before = clock() + AWAY_SECONDS, 0
        while True:
            try:
                async for batch in self._batches([self._query(each.id) for each in builds], done):
                    await asyncio.gather(*(_unless_gone(work(run)) for run in batch))
                    done |= {run.run_id for run in batch}
                    progress(len(done))
            except RPCError as error:
                if len(done) > before:
                    until, before = clock() + AWAY_SECONDS, len(done)
                if not is_outage(error) or clock() > until:
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return len(done)

    async def _batches(self, queries: Sequence[str], done: Container[str]) -> AsyncIterator[list[WorkflowExecution]]:
        for query in queries:
            batch: list[WorkflowExecution] = []
            async for each in self._client.list_workflows(query):
                if each.run_id in done:
                    continue
                batch.append(WorkflowExecution(workflow_id=each.id, run_id=each.run_id))
                if len(batch) == MOVES_AT_ONCE:
                    yield batch
                    batch = []
            if batch:
                yield batch

    async def _signal(self, run: WorkflowExecution) -> None:
        handle: Any = self._client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
        await handle.signal(names.SIGNAL_UPGRADE)

    async def _override(self, run: WorkflowExecution, build: str) -> None:
        target = WorkerDeploymentVersion(deployment_name=self.deployment, build_id=build)
        once = VersioningOverride.OneTimeOverride(target_deployment_version=target)
        request = UpdateWorkflowExecutionOptionsRequest(
            namespace=self._client.namespace,
            workflow_execution=run,
            workflow_execution_options=WorkflowExecutionOptions(versioning_override=VersioningOverride(one_time=once)),
            identity=self._client.identity,
        )
        request.update_mask.paths.append("versioning_override")
        await self._client.workflow_service.update_workflow_execution_options(request)


async def _unless_gone(work: Awaitable[None]) -> None:
    """Ignore that the run has ended, or continued as new, since it was listed."""
    try:
        await work
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
