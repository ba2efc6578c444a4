"""The embedded servers together, as `tempor8 dev`, `demo`, `run` and the tests use them."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from datetime import timedelta
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

LOCK_FILE: Final = "lock"
RUNNING_FILE: Final = "running.json"
RESTART_DELAY_SECONDS: Final = 0.3
"""Pause before a server that ended is started again."""


class Addresses(BaseModel):
    """Addresses of the servers. Also the content of `running.json` (mode 600), by which other commands find a profile."""

    model_config = ConfigDict(frozen=True)

    pid: int
    temporal_address: str
    temporal_ui_url: str | None
    database_url: str
    database_admin_url: str | None


class EmbeddedBusy(EmbeddedError):
    """Another command runs the profile of this state folder, at `addresses` (None while it still starts)."""

    def __init__(self, folder: Path, addresses: Addresses | None) -> None:
        owner = f" by process {addresses.pid}" if addresses else ""
        super().__init__(f"{folder} is in use{owner}; stop that command, or set TEMPOR8_STATE to another folder")
        self.addresses = addresses


class EmbeddedProfile:
    """Starts the servers that have no address in the settings, migrates the database, and stops the servers again.

    Use as an async context manager, or `start` and `stop`. A server with an address in the settings is external.

    Args:
        settings: with the addresses of external servers, and the state folder.
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
            retention=timedelta(days=settings.retention_days),
        )
        self.postgres = EmbeddedPostgres(self.folder, port=0 if any_ports else POSTGRES_PORT, durable=durable)
        self._lock: IO[str] | None = None
        self._addresses: Addresses | None = None

    @property
    def addresses(self) -> Addresses:
        """The addresses of the servers.

        Raises:
            EmbeddedError: it was not started.
        """
        if self._addresses is None:
            raise EmbeddedError("the embedded profile was not started")
        return self._addresses

    async def start(self) -> Addresses:
        """Start both servers concurrently, migrate the database, and return the addresses.

        Raises:
            EmbeddedBusy: another command runs this profile.
            EmbeddedError: the folder cannot be used, or a server does not start; the other one is stopped again.
        """
        try:
            return await self._start()
        except OSError as error:
            raise EmbeddedError(
                f"{error.filename or self.folder}: {error.strerror or error}. The state folder (TEMPOR8_STATE) must be one that can "
                "be written, on a disk with room."
            ) from error

    async def _start(self) -> Addresses:
        self._take_lock()
        try:
            await self._start_servers()
            self._addresses = self._find_addresses()
            await asyncio.to_thread(self._migrate)
            keyring(self.settings())  # creates the key file before two child processes try to
        except BaseException:
            await self.stop()
            raise
        self._announce()
        return self.addresses

    async def stop(self) -> None:
        """Stop the servers that were started. Safe to call twice."""
        if self._lock is not None:
            (self.folder / RUNNING_FILE).unlink(missing_ok=True)
        await self.temporal.stop()
        await self.postgres.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def supervise(self, report: Callable[[str], None]) -> None:
        """Restart a server, at its address, whenever it ends, until this is cancelled. `report` gets a line about each.

        Raises:
            EmbeddedError: a server does not start again.
        """

        async def one(server: EmbeddedTemporal | EmbeddedPostgres) -> None:
            while True:
                status = await server.process.wait()
                await asyncio.sleep(RESTART_DELAY_SECONDS)  # `stop` ends the servers, too, and cancels this
                report(f"{server.process.name} ended (status {status}) and is started again")
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
        """Return the environment variables by which a child process (worker, API) finds these servers."""
        variables = {
            "TEMPORAL_ADDRESS": self.addresses.temporal_address,
            "TEMPORAL_UI_URL": self.addresses.temporal_ui_url or "",
            "DATABASE_URL": self.addresses.database_url,
            "TEMPOR8_STATE": str(self.folder),
        }
        return {name: value for name, value in variables.items() if value}

    def settings(self) -> Settings:
        """Return the settings with the addresses of these servers."""
        return attached(self._settings, self.addresses)

    def _servers(self) -> list[EmbeddedTemporal | EmbeddedPostgres]:
        servers: list[EmbeddedTemporal | EmbeddedPostgres] = []
        if self._settings.embedded_temporal:
            servers.append(self.temporal)
        if self._settings.embedded_postgres:
            servers.append(self.postgres)
        return servers

    async def _start_servers(self) -> None:
        servers = [server.start() for server in self._servers()]
        # both come to an end before an error is raised, so that what did start can be stopped
        for outcome in await asyncio.gather(*servers, return_exceptions=True):
            if outcome is not None:
                raise outcome

    def _find_addresses(self) -> Addresses:
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
        """Migrate the database when the server is embedded, or the settings have an owner's address."""
        if self.addresses.database_admin_url is not None:
            migrate(self.addresses.database_admin_url, self.addresses.database_url)

    def _take_lock(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / LOCK_FILE).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedBusy(self.folder, running(self.folder)) from None
        self._lock = lock

    def _announce(self) -> None:
        path = self.folder / RUNNING_FILE
        path.touch(mode=0o600)
        path.write_text(self.addresses.model_dump_json(), encoding="utf-8")


def running(folder: Path) -> Addresses | None:
    """Return the addresses of a profile that another command runs; None: none is running (a stale file does not count)."""
    try:
        addresses = Addresses.model_validate_json((folder / RUNNING_FILE).read_text(encoding="utf-8"))
        os.kill(addresses.pid, 0)
    except (OSError, ValueError):
        return None
    return addresses


def attached(settings: Settings, addresses: Addresses) -> Settings:
    """Return the settings with these addresses in place of those that are not set."""
    admin = addresses.database_admin_url
    return settings.model_copy(
        update={
            "temporal_address": addresses.temporal_address,
            "temporal_ui_url": addresses.temporal_ui_url,
            "database_url": SecretStr(addresses.database_url),
            "database_admin_url": SecretStr(admin) if admin else None,
            # there is one worker: a run whose worker is gone need not wait for it
            "sticky_seconds": settings.sticky_seconds if "sticky_seconds" in settings.model_fields_set else 1,
        }
    )
