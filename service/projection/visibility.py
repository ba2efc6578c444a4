"""Temporal's lists of runs, page by page, and the memory of what was listed."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest, ListWorkflowExecutionsRequest
from temporalio.client import Client

__all__ = ["ClosedRuns", "OpenRuns", "Visibility", "close_time", "key_of", "stamp"]

MAX_OPEN: Final = 100_000
"""Open runs that are remembered as written: more than start while they are listed."""


class Visibility:
    """Lists and counts of runs. `ORDER BY` is not supported everywhere, so nothing here has an order."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def pages(self, query: str, size: int) -> AsyncIterator[list[WorkflowExecutionInfo]]:
        """Yield the runs of a query, `size` at a time. Raise RPCError: Temporal does not answer."""
        request = ListWorkflowExecutionsRequest(namespace=self._client.namespace, query=query, page_size=size)
        while True:
            answer = await self._client.workflow_service.list_workflow_executions(request, retry=True)
            yield list(answer.executions)
            if not answer.next_page_token:
                return
            request.next_page_token = answer.next_page_token

    async def count(self, query: str) -> int:
        """Return how many runs a query has. Raise RPCError: Temporal does not answer."""
        request = CountWorkflowExecutionsRequest(namespace=self._client.namespace, query=query)
        answer = await self._client.workflow_service.count_workflow_executions(request, retry=True)
        return answer.count


class ClosedRuns:
    """Closed runs that were listed, by the minute in which they closed: what was written is not written again, and a minute in
    which Temporal counts more than are here is listed again.
    """

    def __init__(self) -> None:
        self._minutes: defaultdict[int, set[int]] = defaultdict(set)
        self._latest: deque[datetime] = deque()
        """Close times of the runs that were listed last, in the order in which they were listed."""

    def __contains__(self, info: WorkflowExecutionInfo) -> bool:
        return key_of(info) in self._minutes.get(_minute(info), ())

    def add(self, info: WorkflowExecutionInfo) -> None:
        """Remember a run."""
        if info not in self:
            self._minutes[_minute(info)].add(key_of(info))
            self._latest.append(close_time(info))

    def count_between(self, begin: datetime, end: datetime) -> int:
        """Return how many remembered runs closed from `begin` on and before `end`. Later calls have no earlier `begin`."""
        self._latest = deque(each for each in self._latest if each >= begin)
        return sum(each < end for each in self._latest)

    def count(self, minute: int) -> int:
        """Return how many runs that closed in this minute since the epoch are remembered."""
        return len(self._minutes.get(minute, ()))

    def forget_before(self, minute: int) -> None:
        """Forget the runs that closed before this minute since the epoch."""
        for old in [each for each in self._minutes if each < minute]:
            del self._minutes[old]

    def clear(self) -> None:
        """Forget everything."""
        self._minutes.clear()
        self._latest.clear()


class OpenRuns:
    """Open runs that were written a moment ago."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, info: WorkflowExecutionInfo) -> bool:
        return key_of(info) in self._keys

    def add(self, info: WorkflowExecutionInfo) -> None:
        """Remember a run."""
        self._keys[key_of(info)] = None
        if len(self._keys) > MAX_OPEN:
            self._keys.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._keys.clear()


def key_of(info: WorkflowExecutionInfo) -> int:
    """Return a number of 64 bits for a run: a hundred thousand of them fit into memory easily."""
    return hash((info.execution.workflow_id, info.execution.run_id))


def close_time(info: WorkflowExecutionInfo) -> datetime:
    """Return when a closed run closed, by Temporal's clock."""
    return info.close_time.ToDatetime(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """Return a moment as queries want it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _minute(info: WorkflowExecutionInfo) -> int:
    return info.close_time.seconds // 60
