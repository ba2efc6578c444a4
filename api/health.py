"""Health: what is down, and what to do about it. Public, so it names components and never addresses."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Final, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from pydantic import BaseModel

from api.authentication import PUBLIC
from api.dependencies import Dependencies
from api.openapi import PublicOperation
from api.problems import POSTGRES_DOWN, TEMPORAL_DOWN
from runtime.confinement.walls import Wall
from runtime.platform.namespace_retention import NamespaceRetention
from service.background_loops import BackgroundLoop
from service.projection.state import stuck_summary
from service.run_problems.problem import KINDS
from service.worker_presence import WorkerPresence

__all__ = ["HealthController"]

CHECK_SECONDS: Final = 3.0
"""Seconds that one check may take."""
WORKERS_UNKNOWN: Final = "It is not known whether a worker polls: Temporal does not answer."
RUNS_UNKNOWN: Final = "It is not known whether runs are stuck: Postgres does not answer."
VAULT_DOWN: Final = (
    "Vault does not answer or refuses us. Start or unseal it, or correct VAULT_ADDR and its credentials."
)
HINTS: Final = {"vault": VAULT_DOWN}
PROBLEMS: Final[dict[str, str]] = {
    "workflow_task": "whose workflow task fails",
    "worker": "without a worker",
    "activity": "with a step that is tried again",
    "unreadable": "whose data cannot be shown",
}
"""Kind of problem -> words after a number of runs."""


class Down(Exception):
    """Something that runs need is not there. The message says what, and what to do."""


@dataclass(frozen=True)
class Finding:
    """What is worth a look although the component is up."""

    hint: str
    problems: dict[str, int] | None = None


class Check(BaseModel):
    """One component."""

    status: Literal["up", "down"]
    latency_ms: float | None = None
    hint: str | None = None
    age_seconds: float | None = None
    """Of a background loop: seconds since its last complete round."""
    problems: dict[str, int] | None = None
    """Of `runs`: kind of problem -> runs of all tenants that have it."""
    walls: dict[str, str] | None = None
    """Of `sandbox`: wall around child processes -> `on`, `on, but ...` or `off: reason`."""


class HealthAnswer(BaseModel):
    """`ok`: all is up. `degraded`: runs can be started but go on only later. `down`: something needed is missing."""

    status: Literal["ok", "degraded", "down"]
    version: str
    checks: dict[str, Check]


class Readiness(BaseModel):
    """Whether starts can be taken; `down` names what they need and is not there."""

    status: Literal["ok", "down"]
    down: list[str]


class HealthController(Controller):
    """GET /health, /livez, /readyz."""

    path = "/"
    opt = PUBLIC
    tags = ("Monitoring",)

    @get(
        "/health",
        operation_class=PublicOperation,
        summary="What is up and what is down",
        description="503 when a server that starts need is down.",
        responses={503: ResponseSpec(HealthAnswer, description="Something needed is down")},
    )
    async def health(
        self, dependencies: NamedDependency[Dependencies], presence: NamedDependency[WorkerPresence]
    ) -> Response[HealthAnswer]:
        """Check all components."""
        checks = await _checks(dependencies, presence)
        needed = [checks[name].status for name in ("temporal", "postgres")]
        status: Literal["ok", "degraded", "down"] = "ok"
        if "down" in needed:
            status = "down"
        elif any(check.status == "down" for check in checks.values()):
            status = "degraded"
        answer = HealthAnswer(status=status, version=version("tempor8"), checks=checks)
        return Response(answer, status_code=503 if status == "down" else 200)

    @get("/livez", operation_class=PublicOperation, summary="Whether the process lives")
    async def livez(self) -> dict[str, str]:
        """Report that the process is alive; no server is asked."""
        return {"status": "ok"}

    @get(
        "/readyz",
        operation_class=PublicOperation,
        summary="Whether requests can be served",
        description="503 while Temporal or Postgres is down.",
        responses={503: ResponseSpec(Readiness, description="Something needed is down")},
    )
    async def readyz(self, dependencies: NamedDependency[Dependencies]) -> Response[Readiness]:
        """Check only what every start needs."""
        checks = await _run(_needed(dependencies))
        down = sorted(name for name, check in checks.items() if check.status == "down")
        return Response(Readiness(status="down" if down else "ok", down=down), status_code=503 if down else 200)


def _needed(dependencies: Dependencies) -> dict[str, tuple[Callable[[], Awaitable[Any]], str]]:
    return {
        "temporal": (lambda: _temporal(dependencies), TEMPORAL_DOWN),
        "postgres": (dependencies.database.ping, POSTGRES_DOWN),
    }


async def _checks(dependencies: Dependencies, presence: WorkerPresence) -> dict[str, Check]:
    further: dict[str, tuple[Callable[[], Awaitable[Any]], str]] = {
        "workers": (lambda: _pollers(presence, dependencies.settings.queues), WORKERS_UNKNOWN),
        "runs": (lambda: _stuck_runs(dependencies), RUNS_UNKNOWN),
        "retention": (lambda: _retention(dependencies), TEMPORAL_DOWN),
    }
    further |= {
        name: (probe, HINTS.get(name, f"{name} does not answer.")) for name, probe in dependencies.probes.items()
    }
    own = {"sandbox": _sandbox(dependencies.walls)} if dependencies.walls else {}
    own |= {loop.name: _loop(loop) for loop in dependencies.loops}
    return await _run(_needed(dependencies) | further) | own


def _sandbox(walls: Sequence[Wall]) -> Check:
    """Return which walls around children of this process stand."""
    missing = [wall.name for wall in walls if not wall.stands]
    hint = (
        f"Walls around code are missing: {', '.join(missing)}. The operator's guide says how to get them."
        if missing
        else None
    )
    return Check(status="up", hint=hint, walls={wall.name: str(wall) for wall in walls})


def _loop(loop: BackgroundLoop) -> Check:
    """Return whether a background loop goes on, and its age."""
    if not loop.late:
        return Check(status="up", age_seconds=round(loop.age, 1))
    reason = f" ({loop.last_error}, {loop.errors_in_a_row} times in a row)" if loop.last_error else ""
    hint = f"The loop {loop.name!r} has completed no round for {loop.age:.0f} s{reason}. Its log has the error."
    return Check(status="down", age_seconds=round(loop.age, 1), hint=hint)


async def _run(checks: Mapping[str, tuple[Callable[[], Awaitable[Any]], str]]) -> dict[str, Check]:
    async def one(look: Callable[[], Awaitable[Any]], hint: str) -> Check:
        before = time.perf_counter()
        try:
            found = await asyncio.wait_for(look(), CHECK_SECONDS)
        except Down as missing:
            return Check(status="down", hint=str(missing))
        except Exception:  # noqa: BLE001  # any error means that it is down
            return Check(status="down", hint=hint)
        latency = round((time.perf_counter() - before) * 1000, 2)
        check = Check(status="up", latency_ms=latency)
        if isinstance(found, Finding):
            check.hint, check.problems = found.hint, found.problems
        return check

    results = await asyncio.gather(*(one(look, hint) for look, hint in checks.values()))
    return dict(zip(checks, results, strict=True))


async def _temporal(dependencies: Dependencies) -> None:
    if not await dependencies.temporal.service_client.check_health(timeout=timedelta(seconds=CHECK_SECONDS)):
        raise ConnectionError("not serving")


async def _pollers(presence: WorkerPresence, queues: Sequence[str]) -> None:
    """Raise Down unless a worker of the current build polls each task queue."""
    for queue in queues:
        if (missing := (await presence.look(queue)).missing()) is not None:
            raise Down(str(missing) if queue == queues[0] else f"Task queue {queue!r}: {missing}")


async def _retention(dependencies: Dependencies) -> Finding | None:
    """Return what is lost when Temporal keeps histories for less time than this service keeps what runs leave."""
    wanted = timedelta(days=dependencies.settings.retention_days)
    hint = (await NamespaceRetention.of(dependencies.temporal, wanted)).hint
    return Finding(hint) if hint else None


async def _stuck_runs(dependencies: Dependencies) -> Finding | None:
    """Return how many runs have problems; None: none."""
    kinds = (await stuck_summary(dependencies.background)).kinds
    if not kinds:
        return None
    counts = ", ".join(f"{kinds[kind]} {PROBLEMS[kind]}" for kind in KINDS if kind in kinds)
    return Finding(
        f"Runs that need attention: {counts}. `GET /workflows?problem=true` lists a tenant's, with what to do; "
        'the operator\'s guide has "A run is stuck".',
        kinds,
    )
