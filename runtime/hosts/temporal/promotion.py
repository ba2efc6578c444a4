"""Making a build of the worker the current one, so that new runs start on it and running ones go over to it."""

import asyncio
from typing import Final

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.telemetry.logging import get_logger
from runtime.platform.temporal import TemporalUnavailable

__all__ = ["make_current"]

PACE: Final = 0.1
PROMOTION_TIMEOUT_SECONDS: Final = 30.0
"""Seconds until a build that polls must be known to the server."""
NOT_YET: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.UNAVAILABLE})

log = get_logger("tempor8.worker")


async def make_current(client: Client, deployment: str, build: str) -> None:
    """Make `build` the current version of the deployment; a worker of it must poll already.

    Raises:
        TemporalUnavailable: the server refuses, or does not know the build after 30 s.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=deployment, build_id=build, identity=client.identity,
        ignore_missing_task_queues=True,
    )  # fmt: skip
    clock = asyncio.get_running_loop().time
    until = clock() + PROMOTION_TIMEOUT_SECONDS
    while True:
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            if error.status not in NOT_YET or clock() > until:
                raise TemporalUnavailable(
                    f"Temporal did not make worker build {build!r} the current one ({error.status.name.lower()}: "
                    f"{error.message}). Set TEMPOR8_PROMOTE=false and let an operator run: temporal worker deployment "
                    f"set-current-version --deployment-name {deployment} --build-id {build}"
                ) from error
            await asyncio.sleep(PACE)
        else:
            log.info("worker build is current", deployment=deployment, build=build)
            return
