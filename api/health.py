"""Health: what is down, and what to do about it. Public, so it names components and never addresses."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Final, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from pydantic import BaseModel
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from api.authentication import PUBLIC
from api.dependencies import Dependencies
from api.problems import POSTGRES_DOWN, TEMPORAL_DOWN

__all__ = ["HealthController"]

CHECK_SECONDS: Final = 3.0
"""Seconds that one check may take."""
POLLER_SECONDS: Final = 90
"""A worker that has not polled for longer is gone: a long poll lasts a minute."""
NO_WORKER: Final = "No worker polls the task queue: runs start and wait. Start one with `tempor8 worker`."
VAULT_DOWN: Final = (
    "Vault does not answer or refuses us. Start or unseal it, or correct VAULT_ADDR and its credentials."
)
HINTS: Final = {"vault": VAULT_DOWN}


class Check(BaseModel):
    """One component."""

    status: Literal["up", "down"]
    latency_ms: float | None = None
    hint: str | None = None


class HealthAnswer(BaseModel):
    """`ok`: all is up. `degraded`: runs can be started but go on only later. `down`: something needed is missing."""

    status: Literal["ok", "degraded", "down"]
    version: str
    checks: dict[str, Check]


class HealthController(Controller):
    """GET /health, /livez, /readyz."""

    path = "/"
    opt = PUBLIC
    tags = ("Monitoring",)

    @get("/health", summary="What is up and what is down", description="503 when a server that starts need is down.")
    async def health(self, dependencies: NamedDependency[Dependencies]) -> Response[HealthAnswer]:
        """Check all components."""
        checks = await _checks(dependencies)
        needed = [checks[name].status for name in ("temporal", "postgres")]
        status: Literal["ok", "degraded", "down"] = "ok"
        if "down" in needed:
            status = "down"
        elif any(check.status == "down" for check in checks.values()):
            status = "degraded"
        answer = HealthAnswer(status=status, version=version("tempor8"), checks=checks)
        return Response(answer, status_code=503 if status == "down" else 200)

    @get("/livez", summary="Whether the process lives")
    async def livez(self) -> dict[str, str]:
        """Report that the process is alive; no server is asked."""
        return {"status": "ok"}

    @get("/readyz", summary="Whether requests can be served", description="503 while Temporal or Postgres is down.")
    async def readyz(self, dependencies: NamedDependency[Dependencies]) -> Response[dict[str, Any]]:
        """Check only what every start needs."""
        checks = await _run({name: check for name, check in _needed(dependencies).items() if name != "workers"})
        down = sorted(name for name, check in checks.items() if check.status == "down")
        return Response({"status": "down" if down else "ok", "down": down}, status_code=503 if down else 200)


def _needed(dependencies: Dependencies) -> dict[str, tuple[Callable[[], Awaitable[Any]], str]]:
    return {
        "temporal": (lambda: _temporal(dependencies), TEMPORAL_DOWN),
        "postgres": (dependencies.database.ping, POSTGRES_DOWN),
        "workers": (lambda: _pollers(dependencies), NO_WORKER),
    }


async def _checks(dependencies: Dependencies) -> dict[str, Check]:
    further = {
        name: (probe, HINTS.get(name, f"{name} does not answer.")) for name, probe in dependencies.probes.items()
    }
    return await _run(_needed(dependencies) | further)


async def _run(checks: Mapping[str, tuple[Callable[[], Awaitable[Any]], str]]) -> dict[str, Check]:
    async def one(look: Callable[[], Awaitable[Any]], hint: str) -> Check:
        before = time.perf_counter()
        try:
            await asyncio.wait_for(look(), CHECK_SECONDS)
        except Exception:  # noqa: BLE001  # any error means that it is down
            return Check(status="down", hint=hint)
        return Check(status="up", latency_ms=round((time.perf_counter() - before) * 1000, 2))

    results = await asyncio.gather(*(one(look, hint) for look, hint in checks.values()))
    return dict(zip(checks, results, strict=True))


async def _temporal(dependencies: Dependencies) -> None:
    if not await dependencies.temporal.service_client.check_health(timeout=timedelta(seconds=CHECK_SECONDS)):
        raise ConnectionError("not serving")


async def _pollers(dependencies: Dependencies) -> None:
    request = DescribeTaskQueueRequest(
        namespace=dependencies.temporal.namespace,
        task_queue=TaskQueue(name=dependencies.settings.task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        queue = await dependencies.temporal.workflow_service.describe_task_queue(
            request, timeout=timedelta(seconds=CHECK_SECONDS)
        )
    except RPCError as error:
        raise ConnectionError("unknown") from error
    newest = max((poller.last_access_time.ToSeconds() for poller in queue.pollers), default=0)
    if time.time() - newest > POLLER_SECONDS:
        raise ConnectionError("no worker polls")
