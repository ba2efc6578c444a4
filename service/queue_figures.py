"""How old the oldest task of each task queue is, as Temporal estimates it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

__all__ = ["QueueFigures", "queue_figures"]

KINDS: Final = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
LOOK_SECONDS: Final = timedelta(seconds=3)


@dataclass(frozen=True)
class QueueFigures:
    """Of one kind of tasks of one queue."""

    queue: str
    kind: str
    tasks: int
    """That wait, by estimate."""
    age_seconds: float
    """Of the oldest."""
    pollers: int


async def queue_figures(client: Client, queues: Sequence[str]) -> list[QueueFigures]:
    """Return the figures of each queue, tasks for workflows and for activities. Raise RPCError."""
    found = []
    for queue in queues:
        for kind, type_ in KINDS.items():
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=queue),
                    task_queue_type=type_,
                    report_stats=True,
                ),
                timeout=LOOK_SECONDS,
            )
            age = answer.stats.approximate_backlog_age.ToTimedelta().total_seconds()
            count = answer.stats.approximate_backlog_count
            found.append(QueueFigures(queue, kind, count, age if count else 0.0, len(answer.pollers)))
    return found
