"""Capability: commands and files on a server of the tenant, by SSH."""

from dataclasses import dataclass
from typing import Protocol

from runtime.values.streams import LongBytes

__all__ = ["Ssh", "SshResult"]


@dataclass(frozen=True)
class SshResult:
    """What a command left on the server: `code` is None when a signal ended it, and `signal` then has its name."""

    code: int | None
    signal: str | None
    stdout: str
    stderr: str


class Ssh(Protocol):
    """SSH by the step's credential (`type_`: sshPassword or sshPrivateKey), to servers that the operator opened for the tenant.

    Every method raises NodeError when the server cannot be reached or refuses.
    """

    async def execute(self, type_: str, command: str, folder: str, *, item: int = 0) -> SshResult:
        """Run a command in a folder of the server; one that begins with `~/` is below the user's home."""

    async def upload(self, type_: str, path: str, data: bytes | LongBytes, *, item: int = 0) -> None:
        """Write a file on the server."""

    async def download(self, type_: str, path: str, *, item: int = 0) -> bytes:
        """Return the bytes of a file of the server."""
