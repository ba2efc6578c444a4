"""File servers of the tests, each over a folder: FTP by pyftpdlib, SFTP by asyncssh."""

import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import asyncssh

from runtime.platform.embedded.process import free_port

__all__ = ["USER", "fill", "ftp_server", "sftp_server"]

USER: Final = "u"
_WRITTEN: Final = 1_767_225_600
"""When the files were written: 2026-01-01 in UTC."""
_FILES: Final = {
    "a.txt": b"hello",
    "d/b.bin": b"\0\1",
    "d/sub/c d.txt": b"c",
    "d/sub/deep/e.json": b"{}",
    "p": b"%PDF-1.4 x",
    "t.csv": b"a,b",
    "zero": b"",
    "ü.txt": b"u",
}


def fill(folder: Path) -> None:
    """Write the files of the recorded cases, with a link and an empty folder."""
    (folder / "empty").mkdir(parents=True)
    for name, data in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (_WRITTEN, _WRITTEN))


@contextlib.contextmanager
def ftp_server(folder: Path, password: str, *, other: bool = False) -> Iterator[dict[str, Any]]:
    """Give an `ftp` credential of a server, which is a process of its own; `other`: one that says 553 where folders are missing."""
    kind = "other" if other else "usual"
    command = [sys.executable, "-W", "ignore", "-m", "tests.ftp_server", str(folder), USER, password, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield {"host": "127.0.0.1", "port": port, "username": USER, "password": password}
        finally:
            process.kill()


class _Door(asyncssh.SSHServer):
    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        """Nobody comes in without a password."""
        del username
        return True

    def password_auth_supported(self) -> bool:
        """Passwords alone."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """The one of the test."""
        return (username, password) == (USER, self._password)


@contextlib.asynccontextmanager
async def sftp_server(folder: Path, password: str) -> AsyncIterator[dict[str, Any]]:
    """Give an `sftp` credential of a server."""
    server = await asyncssh.listen(
        "127.0.0.1",
        port := free_port(),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        server_factory=lambda: _Door(password),
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=os.fsencode(folder)),
    )
    try:
        yield {"host": "127.0.0.1", "port": port, "username": USER, "password": password}
    finally:
        server.close()
