"""What a worker that starts does about the current build: the first one ever becomes it, others where the settings say so."""

from runtime.platform.telemetry.logging import get_logger
from service.worker_builds import Deployment, WorkerBuilds

__all__ = ["settle_build"]

log = get_logger("tempor8.worker")


async def settle_build(builds: WorkerBuilds, build: str, *, promote: bool) -> None:
    """Make the build of a worker that polls the current one, if there is none yet or `promote` is set; log whether it is.

    An older build never takes the place of a newer one that a worker polls for: a worker that is restarted in the middle of a
    deployment would take all runs back.

    Raises:
        PromotionRefusedError: the server refuses.
    """

    def unless(state: Deployment) -> bool:
        return state.current is not None and not (promote and not _is_newer(state, build))

    if await builds.promote(build, unless=unless):
        log.info("worker build is current", deployment=builds.deployment, build=build)
        return
    state = await builds.describe()
    log.warning(
        "worker build is not current: no run begins on it or goes over to it until it is promoted",
        deployment=builds.deployment, build=build, current=state.current,
        command=f"tempor8 workers promote --build {build}",
    )  # fmt: skip


def _is_newer(state: Deployment, build: str) -> bool:
    """Return whether the current build was first seen after this one, and is polled for."""
    current, own = state.build(state.current), state.build(build)
    return current is not None and current.polls and own is not None and current.first_seen > own.first_seen
