"""No file servers."""

from contextlib import AbstractAsyncContextManager

from runtime.contract import NodeError
from runtime.contract.capabilities import RemoteFiles, RemoteFolder
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoRemoteFiles(RemoteFiles):
    """Nothing is reached."""

    def __init__(self, node: str) -> None:
        self._node = node

    def ftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Refuse."""
        del seconds
        raise NodeError(f"Node '{self._node}' connects to an FTP server, and this run is offline")

    def sftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Refuse."""
        del seconds
        raise NodeError(f"Node '{self._node}' connects to an SFTP server, and this run is offline")


def provide(resources: OfflineResources, task: Task) -> NoRemoteFiles:
    """Return the file servers of a task."""
    del resources
    return NoRemoteFiles(task["step"]["name"])
