"""The faults that a storm draws from, by name."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from runtime.platform.embedded import EmbeddedPostgres, EmbeddedTemporal
from service.worker_builds import WorkerBuilds
from tests.chaos.faults import FullDisk, hang
from tests.chaos.installation import Installation
from tests.chaos.poison import Poison

__all__ = ["DEATHS", "HANGS", "Injections"]

DEATHS: Final = ("kill worker", "kill temporal", "kill api", "kill postgres")
HANGS: Final = ("hang worker", "hang temporal", "hang api", "hang postgres")
NETWORK_SECONDS: Final = 9
"""Longer than heartbeats and workflow tasks wait: somebody else takes over."""
DISK_SECONDS: Final = 2


class Injections:
    """Does each fault to an installation, and is done when the fault is over (or its process is dead).

    Args:
        up: the installation.
        drawn: decides which of two processes is met, and for how long one hangs.
        seconds: shortest and longest time that a process hangs.
    """

    def __init__(self, up: Installation, drawn: random.Random, seconds: tuple[float, float]) -> None:
        self._up, self._drawn, self._seconds = up, drawn, seconds

    def table(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Each fault by its name. Workers and APIs come back by themselves; Temporal and Postgres are started again."""
        servers: Mapping[str, EmbeddedTemporal | EmbeddedPostgres] = {
            "temporal": self._up.profile.temporal,
            "postgres": self._up.profile.postgres,
        }
        children = {"worker": self._up.workers, "api": self._up.apis}

        async def kill_server(name: str) -> None:
            server = servers[name]
            server.process.kill()
            await server.process.wait()
            await server.restart()

        async def kill_child(name: str) -> None:
            self._drawn.choice(children[name]).kill()

        async def hang_server(name: str) -> None:
            await self._hang(servers[name].process.pid)

        async def hang_child(name: str) -> None:
            await self._hang(self._drawn.choice(children[name]).pid)

        def of(work: Callable[[str], Awaitable[None]], name: str) -> Callable[[], Awaitable[None]]:
            return lambda: work(name)

        return {
            **{f"kill {name}": of(kill_server, name) for name in servers},
            **{f"kill {name}": of(kill_child, name) for name in children},
            **{f"hang {name}": of(hang_server, name) for name in servers},
            **{f"hang {name}": of(hang_child, name) for name in children},
            "network": lambda: self._up.wire.cut(NETWORK_SECONDS),
            "disk": lambda: FullDisk(self._admin_url()).fill(DISK_SECONDS),
            "clock": self._jump,
            "promote": self._promote,
            "poison": Poison(self._up).inject,
        }

    async def _hang(self, pid: int | None) -> None:
        if pid is not None:  # else it has just been killed, and comes back in a moment
            await hang(pid, self._drawn.uniform(*self._seconds))

    async def _jump(self) -> None:
        assert self._up.clock is not None
        await self._up.clock.jump_around()

    async def _promote(self) -> None:
        """Make the other build the current one, as a deployment does, and tell the runs that wait."""
        settings = self._up.settings
        builds = WorkerBuilds(self._up.temporal, settings.deployment, settings.queues)
        while len((state := await builds.describe()).builds) < len(self._up.workers):
            await asyncio.sleep(1)  # a worker that has just started has not polled yet
        other = next(each.id for each in state.builds if each.id != state.current)
        await builds.promote(other)
        await builds.move_waiting(other)

    def _admin_url(self) -> str:
        url = self._up.profile.addresses.database_admin_url
        assert url is not None
        return url
