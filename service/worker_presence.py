"""Which builds of the worker poll a task queue, and what to do when the one that is needed does not."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeWorkerDeploymentRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

__all__ = ["Missing", "WorkerPresence", "Workers"]

POLLER_SECONDS: Final = 90
"""A worker that has not polled for longer is gone: a long poll lasts a minute."""
LOOK_SECONDS: Final = timedelta(seconds=2.5)
"""How long one question may take."""
UNVERSIONED: Final = ""
"""In place of a build: of workers without one."""
AGE_SECONDS: Final = 2.0
"""For how long an answer is used again: many callers ask about the same queue."""


@dataclass(frozen=True)
class Missing:
    """Workers that runs need and that do not poll."""

    cause: Literal["NoWorker", "NoCurrentBuild", "CurrentBuildGone", "BuildGone"]
    message: str
    """What is missing."""
    hint: str
    """What to do."""

    def __str__(self) -> str:
        """Return what is missing, and what to do."""
        return f"{self.message} {self.hint}"


NO_WORKER: Final = Missing(
    "NoWorker", "No worker polls the task queue: runs start and wait.", "Start one with `tempor8 worker`."
)


@dataclass(frozen=True)
class Workers:
    """The workers that poll."""

    deployment: str
    polls: Mapping[str, float]
    """Build -> seconds since the epoch when one of its workers polled last; see `UNVERSIONED`."""
    current: str | None
    """The build that new runs, and those that go over to it, need; None: workers without one serve them."""

    def missing(self, build: str | None = None) -> Missing | None:
        """Return what is missing for runs of a build (None: those of the current one), and what to do; None: nothing."""
        since = time.time() - POLLER_SECONDS
        polls = sorted(each for each, last in self.polls.items() if last > since)
        if not polls:
            return NO_WORKER
        needed = build or self.current or UNVERSIONED
        if needed in polls:
            return None
        versioned = [each for each in polls if each != UNVERSIONED]
        others = f"; {', '.join(versioned)} poll{'s' if len(versioned) == 1 else ''}" if versioned else ""
        if needed == UNVERSIONED:
            return Missing(
                "NoCurrentBuild",
                f"No build of the worker is the current one{others}.",
                f"Make one current: {self._command(versioned[-1])}",
            )
        if build is not None and build != self.current:
            return Missing(
                "BuildGone",
                f"The run belongs to worker build {build}, and no worker of that build polls{others}.",
                "Start one, or move the runs of such builds: `tempor8 workers promote --stranded`.",
            )
        again = f" or make one current that polls: {self._command(versioned[-1])}" if versioned else ""
        return Missing(
            "CurrentBuildGone",
            f"Worker build {needed} is the current one, and no worker of that build polls{others}.",
            f"Start one of it{again}.",
        )

    def _command(self, build: str) -> str:
        return f"`tempor8 workers promote --build {build}`"


class WorkerPresence:
    """Asks Temporal who polls.

    Args:
        client: of the namespace.
        task_queue: that is asked about when none is named.
        deployment: name of the workers' deployment.
    """

    def __init__(self, client: Client, task_queue: str, deployment: str = "tempor8") -> None:
        self._client, self._task_queue, self._deployment = client, task_queue, deployment
        self._answers: dict[str, tuple[float, Workers]] = {}

    async def look(self, task_queue: str = "") -> Workers:
        """Return the workers that poll a queue for workflow tasks, as they were at most two seconds ago.

        Raises:
            RPCError: Temporal does not answer.
        """
        task_queue, now = task_queue or self._task_queue, time.monotonic()
        until, workers = self._answers.get(task_queue, (0.0, None))
        if workers is None or now > until:
            workers = await self._ask(task_queue)
            self._answers[task_queue] = now + AGE_SECONDS, workers
        return workers

    async def look_at_all(self, task_queues: Sequence[str]) -> Workers:
        """Return the workers that poll any of these queues. Raise RPCError."""
        each = [await self.look(queue) for queue in task_queues]
        polls: dict[str, float] = {}
        for build, last in (pair for workers in each for pair in workers.polls.items()):
            polls[build] = max(last, polls.get(build, 0.0))
        return Workers(self._deployment, polls, next((workers.current for workers in each if workers.current), None))

    async def _ask(self, task_queue: str) -> Workers:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        queue = await self._client.workflow_service.describe_task_queue(request, timeout=LOOK_SECONDS)
        polls: dict[str, float] = {}
        for poller in queue.pollers:
            build = poller.deployment_options.build_id or UNVERSIONED
            polls[build] = max(polls.get(build, 0.0), poller.last_access_time.ToSeconds())
        versioned = any(build != UNVERSIONED for build in polls)
        current = await self._current() if versioned or not polls else None
        return Workers(self._deployment, polls, current)

    async def _current(self) -> str | None:
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=self._deployment)
        try:
            answer = await self._client.workflow_service.describe_worker_deployment(
                request, retry=True, timeout=LOOK_SECONDS
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return answer.worker_deployment_info.routing_config.current_deployment_version.build_id or None
