"""The servers of one machine, together: what `tempor8 dev`, `demo`, `run` and the tests stand on."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from pydantic import BaseModel, ConfigDict, SecretStr

from runtime.platform.embedded.postgres import USUAL_PORT as POSTGRES_PORT
from runtime.platform.embedded.postgres import EmbeddedPostgres
from runtime.platform.embedded.process import EmbeddedError
from runtime.platform.embedded.temporal import USUAL_PORT as TEMPORAL_PORT
from runtime.platform.embedded.temporal import USUAL_UI_PORT as TEMPORAL_UI_PORT
from runtime.platform.embedded.temporal import EmbeddedTemporal
from runtime.platform.keys import keyring
from runtime.platform.migrate import migrate
from runtime.platform.settings import Settings

__all__ = ["Addresses", "EmbeddedBusy", "EmbeddedProfile", "attached", "running"]

LOCK: Final = "lock"
RUNNING: Final = "running.json"
PAUSE: Final = 0.3
"""Seconds before a server that ended is started again."""


class Addresses(BaseModel):
    """Where things answer. Also what `running.json` (mode 600) tells a second command about a profile that is up."""

    model_config = ConfigDict(frozen=True)

    pid: int
    temporal_address: str
    temporal_ui_url: str | None
    database_url: str
    database_admin_url: str | None


class EmbeddedBusy(EmbeddedError):
    """Another command runs the profile of this state folder; `addresses` says where (None while it still starts)."""

    def __init__(self, folder: Path, addresses: Addresses | None) -> None:
        owner = f" by process {addresses.pid}" if addresses else ""
        super().__init__(f"{folder} is in use{owner}; stop that command, or set TEMPOR8_STATE to another folder")
        self.addresses = addresses


class EmbeddedProfile:
    """Starts what the settings leave to us, migrates, and stops it in reverse order.

    Use as an async context manager, or `start` and `stop`. Whatever has an address in the settings is left alone.

    Args:
        settings: which servers are ours, and the state folder.
        any_ports: take free ports at once instead of trying the usual ones.
        durable: False for tests: Temporal in memory, Postgres without fsync.
        ui: run Temporal's own web UI.
    """

    def __init__(self, settings: Settings, *, any_ports: bool = False, durable: bool = True, ui: bool = True) -> None:
        self._settings = settings
        self.folder = settings.state_folder.resolve()
        self.temporal = EmbeddedTemporal(
            self.folder,
            port=0 if any_ports else TEMPORAL_PORT,
            ui_port=(0 if any_ports else TEMPORAL_UI_PORT) if ui else None,
            namespace=settings.temporal_namespace,
            persistent=durable,
        )
        self.postgres = EmbeddedPostgres(self.folder, port=0 if any_ports else POSTGRES_PORT, durable=durable)
        self._lock: IO[str] | None = None
        self._addresses: Addresses | None = None

    @property
    def addresses(self) -> Addresses:
        """Where things answer.

        Raises:
            EmbeddedError: it was not started.
        """
        if self._addresses is None:
            raise EmbeddedError("the embedded profile was not started")
        return self._addresses

    async def start(self) -> Addresses:
        """Start both servers side by side, migrate, and say where they are.

        Raises:
            EmbeddedBusy: another command runs this profile.
            EmbeddedError: a server does not start; the other one is stopped again.
        """
        self._take_lock()
        try:
            await self._start_servers()
            self._addresses = self._described()
            await asyncio.to_thread(self._migrate)
            keyring(self.settings())  # makes the key file before two children try to
        except BaseException:
            await self.stop()
            raise
        self._announce()
        return self.addresses

    async def stop(self) -> None:
        """Stop what was started. Safe to call twice."""
        if self._lock is not None:
            (self.folder / RUNNING).unlink(missing_ok=True)
        await self.temporal.stop()
        await self.postgres.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def keep(self, tell: Callable[[str], None]) -> None:
        """Start a server again, at its address, whenever it ends: until this is cancelled. `tell` hears of it.

        Raises:
            EmbeddedError: one does not come back.
        """

        async def one(server: EmbeddedTemporal | EmbeddedPostgres) -> None:
            while True:
                status = await server.process.wait()
                await asyncio.sleep(PAUSE)  # whoever stops everything may have stopped it
                tell(f"{server.process.name} ended (status {status}) and is started again")
                await server.restart()

        await asyncio.gather(*(one(server) for server in self._servers()))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def environment(self) -> dict[str, str]:
        """What a child process (worker, API) needs in its environment to find these servers."""
        found = {
            "TEMPORAL_ADDRESS": self.addresses.temporal_address,
            "TEMPORAL_UI_URL": self.addresses.temporal_ui_url or "",
            "DATABASE_URL": self.addresses.database_url,
            "TEMPOR8_STATE": str(self.folder),
        }
        return {name: value for name, value in found.items() if value}

    def settings(self) -> Settings:
        """The settings with the addresses of these servers filled in."""
        return attached(self._settings, self.addresses)

    def _servers(self) -> list[EmbeddedTemporal | EmbeddedPostgres]:
        wanted: list[tuple[bool, EmbeddedTemporal | EmbeddedPostgres]] = [
            (self._settings.embedded_temporal, self.temporal), (self._settings.embedded_postgres, self.postgres)
        ]  # fmt: skip
        return [server for is_wanted, server in wanted if is_wanted]

    async def _start_servers(self) -> None:
        servers = [server.start() for server in self._servers()]
        # both come to an end before an error is raised, so that what did start can be stopped
        for outcome in await asyncio.gather(*servers, return_exceptions=True):
            if outcome is not None:
                raise outcome

    def _described(self) -> Addresses:
        settings, postgres = self._settings, self.postgres
        admin = settings.database_admin_url
        return Addresses(
            pid=os.getpid(),
            temporal_address=settings.temporal_address or self.temporal.address,
            temporal_ui_url=settings.temporal_ui_url or self.temporal.ui_url,
            database_url=settings.database_url.get_secret_value() if settings.database_url else postgres.url,
            database_admin_url=(admin.get_secret_value() if admin else None)
            if settings.database_url
            else postgres.admin_url,
        )

    def _migrate(self) -> None:
        """Ours to migrate when the server is ours, or when an owner's address was given."""
        if self.addresses.database_admin_url is not None:
            migrate(self.addresses.database_admin_url, self.addresses.database_url)

    def _take_lock(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / LOCK).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedBusy(self.folder, running(self.folder)) from None
        self._lock = lock

    def _announce(self) -> None:
        path = self.folder / RUNNING
        path.touch(mode=0o600)
        path.write_text(self.addresses.model_dump_json(), encoding="utf-8")


def running(folder: Path) -> Addresses | None:
    """Where a profile that another command holds answers; None when none is up (a left-over file does not count)."""
    try:
        addresses = Addresses.model_validate_json((folder / RUNNING).read_text(encoding="utf-8"))
        os.kill(addresses.pid, 0)
    except (OSError, ValueError):
        return None
    return addresses


def attached(settings: Settings, addresses: Addresses) -> Settings:
    """The settings with these addresses in the place of what was not set."""
    admin = addresses.database_admin_url
    return settings.model_copy(
        update={
            "temporal_address": addresses.temporal_address,
            "temporal_ui_url": addresses.temporal_ui_url,
            "database_url": SecretStr(addresses.database_url),
            "database_admin_url": SecretStr(admin) if admin else None,
        }
    )
