"""Runs are moved to another build although the server is away in between."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from temporalio.service import RPCError, RPCStatusCode

from service import worker_builds
from service.worker_builds import Build, Deployment, WorkerBuilds

RUNS: Final = 35


@dataclass(frozen=True)
class _Run:
    id: str
    run_id: str


@dataclass
class _Temporal:
    """Lists runs, and notes who is signalled. `failures`: what goes wrong, by the number of the call."""

    failures: dict[int, RPCStatusCode]
    calls: int = 0
    told: list[str] = field(default_factory=list)

    def _count(self) -> None:
        self.calls += 1
        if (status := self.failures.get(self.calls)) is not None:
            raise RPCError("Timeout expired", status, b"")

    async def list_workflows(self, query: str) -> AsyncIterator[_Run]:
        """Two pages."""
        del query
        for number in range(RUNS):
            if number in (0, 20):
                self._count()
            yield _Run(f"w{number}", f"r{number}")

    def get_workflow_handle(self, id_: str, run_id: str) -> Any:
        """A handle that signals."""
        outer = self

        class Handle:
            async def signal(self, name: str) -> None:
                del name
                outer._count()
                outer.told.append(f"{id_} {run_id}")

        return Handle()


def _builds(temporal: _Temporal, monkeypatch: pytest.MonkeyPatch) -> WorkerBuilds:
    async def describe(self: WorkerBuilds) -> Deployment:
        del self
        return Deployment("new", (Build("old", 0, time.time()), Build("new", 1, time.time())))

    monkeypatch.setattr(WorkerBuilds, "describe", describe)
    return WorkerBuilds(temporal, "tempor8", ["queue"])  # type: ignore[arg-type]  # what it needs of a client


@pytest.mark.parametrize(
    "failures",
    [
        {},
        {1: RPCStatusCode.CANCELLED},  # what the SDK says of a call that took too long
        {23: RPCStatusCode.DEADLINE_EXCEEDED},
        {5: RPCStatusCode.UNAVAILABLE, 30: RPCStatusCode.RESOURCE_EXHAUSTED},
        {7: RPCStatusCode.NOT_FOUND},  # the run has ended
    ],
)
async def test_every_run_is_told_although_the_server_is_away(
    failures: dict[int, RPCStatusCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    temporal, seen = _Temporal(failures), list[int]()
    assert await _builds(temporal, monkeypatch).move_waiting("new", seen.append) == RUNS
    assert len(set(temporal.told)) == RUNS - (RPCStatusCode.NOT_FOUND in failures.values())
    assert seen == sorted(seen)
    assert seen[-1] == RUNS


async def test_what_is_no_outage_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    temporal = _Temporal({1: RPCStatusCode.INVALID_ARGUMENT})
    with pytest.raises(RPCError):
        await _builds(temporal, monkeypatch).move_waiting("new")


async def test_a_server_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_builds, "AWAY_SECONDS", -1)
    with pytest.raises(RPCError):
        await _builds(_Temporal({1: RPCStatusCode.UNAVAILABLE}), monkeypatch).move_waiting("new")
