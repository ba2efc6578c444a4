"""Try many failed runs again. A dry run does all but the starts, so it says what will be refused and why."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from api.dependencies import Dependencies
from api.moments import since_or_week, utc
from api.problems import Problem
from api.rates import Rates
from api.repair.models import BulkRetryAnswer, BulkRetryRequest, FailureFilter, RetriedRun
from api.runs.actions import field_of, retry_source
from service.errors import ServiceError
from service.execution_store import ExecutionRow, Filter
from service.run_reader import TemporalRuns
from service.run_retry import RetryChoice, retry_request
from service.run_start import RunRequest, Starter, run_id_of

__all__ = ["BulkRetry", "filter_of"]

AT_ONCE: Final = 8
"""Runs that are read at the same time."""
SECONDS: Final = 40.0
"""After which a request reads no further run. Failed runs have left what a retry needs; of others a worker is asked, which waits
in vain where none polls.
"""
OUT_OF_TIME: Final = (
    "It was not read within {:.0f} s, and nothing was started: no worker answers what it had done, or there are many such runs. "
    "Start a worker, and ask once more."
)


def filter_of(asked: FailureFilter, limit: int) -> Filter:
    """Return the filter of stored runs. Raises BadRequest."""
    return Filter(
        template=asked.workflow_template,
        fingerprint=asked.fingerprint,
        status=asked.status,
        trigger=asked.trigger,
        user_id=asked.user_id,
        field=field_of(asked.field),
        since=since_or_week(asked.since),
        until=utc(asked.until, "until"),
        open_failures=True,
        limit=limit,
    )


@dataclass(frozen=True)
class BulkRetry:
    """What retries of a tenant's runs need."""

    tenant: str
    dependencies: Dependencies
    runs: TemporalRuns
    starter: Starter
    rates: Rates

    async def run(self, asked: BulkRetryRequest) -> BulkRetryAnswer:
        """Try the runs of the filter again, or say what would happen.

        Raises:
            BadRequest: a time is beyond the calendar, or the declared data are no name and value.
            RPCError, DatabaseUnavailable: a server is away; asking once more starts what was not started.
        """
        filter_ = filter_of(asked.filter, asked.limit)
        executions, places = self.dependencies.executions, asyncio.Semaphore(AT_ONCE)
        matches = await executions.count(self.tenant, filter_)
        rows = (await executions.page(self.tenant, filter_))[: asked.limit]

        until = asyncio.get_running_loop().time() + SECONDS

        async def one(row: ExecutionRow) -> RetriedRun:
            async with places:
                return await self._retry(row, asked, until)

        done = await asyncio.gather(*(one(row) for row in rows))
        refused = sum(each.refused is not None for each in done)
        return BulkRetryAnswer(
            dry_run=asked.dry_run, matches=matches, retried=len(done) - refused, refused=refused, runs=done
        )

    async def _retry(self, row: ExecutionRow, asked: BulkRetryRequest, until: float) -> RetriedRun:
        result = RetriedRun(
            workflow_id=row.id, workflow_template=row.template, begins_at=None, template_version=None, new_workflow_id=None,
            refused=None,
        )  # fmt: skip
        try:
            async with asyncio.timeout_at(until):
                request = await self._request(row, asked)
            result.begins_at, result.template_version = _begin(request), request.template.version
            if not asked.dry_run:
                self.rates.require_start(self.tenant)
                result.new_workflow_id = (await self.starter.start(request)).workflow_id
        except TimeoutError:
            result.refused = OUT_OF_TIME.format(SECONDS)
        except Problem as problem:
            result.refused = problem.detail
        except ServiceError as error:
            result.refused = str(error)
        return result

    async def _request(self, row: ExecutionRow, asked: BulkRetryRequest) -> RunRequest:
        run, source = await retry_source(self.tenant, row.id, self.dependencies, self.runs)
        choice = RetryChoice(from_start=asked.from_start, with_version=asked.with_version)
        request = await retry_request(run, choice, self.dependencies.templates, source)
        # one retry of this kind per run: the list of failures follows a second later, and a request may come twice
        return replace(request, run=run_id_of(self.tenant, request.template.key, f"retry of {row.id}"))


def _begin(request: RunRequest) -> str:
    """Return the node at which a retry begins."""
    stack = request.state["stack"] if request.state else []
    return str(stack[0]["node"]) if stack else request.start
