"""No file servers."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn

from runtime.contract import NodeError
from runtime.contract.capabilities import RemoteFiles, RemoteFolder
from runtime.contract.errors import require_credential
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoRemoteFiles(RemoteFiles):
    """Nothing is reached."""

    def __init__(self, step: Mapping[str, Any]) -> None:
        self._step = step

    def ftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Refuse."""
        del seconds
        self._refuse("ftp", "an FTP")

    def sftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Refuse."""
        del seconds
        self._refuse("sftp", "an SFTP")

    def _refuse(self, type_: str, server: str) -> NoReturn:
        require_credential(self._step, type_)
        raise NodeError(f"Node '{self._step['name']}' connects to {server} server, and this run is offline")


def provide(resources: OfflineResources, task: Task) -> NoRemoteFiles:
    """Return the file servers of a task."""
    del resources
    return NoRemoteFiles(task["step"])
