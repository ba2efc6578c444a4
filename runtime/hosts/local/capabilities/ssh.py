"""No SSH."""

from typing import NoReturn

from runtime.contract import NodeError
from runtime.contract.capabilities import Ssh, SshResult
from runtime.hosts.local.offline import OfflineResources
from runtime.values.streams import LongBytes
from schemas.task import Task


class NoSsh(Ssh):
    """Nothing is connected."""

    def __init__(self, node: str) -> None:
        self._node = node

    async def execute(self, type_: str, command: str, folder: str, *, item: int = 0) -> SshResult:
        """Refuse."""
        del type_, command, folder
        self._refuse(item)

    async def upload(self, type_: str, path: str, data: bytes | LongBytes, *, item: int = 0) -> None:
        """Refuse."""
        del type_, path, data
        self._refuse(item)

    async def download(self, type_: str, path: str, *, item: int = 0) -> bytes:
        """Refuse."""
        del type_, path
        self._refuse(item)

    def _refuse(self, item: int) -> NoReturn:
        raise NodeError(f"Node '{self._node}' uses SSH, and this run is offline", item=item)


def provide(resources: OfflineResources, task: Task) -> NoSsh:
    """Return the SSH of a task."""
    del resources
    return NoSsh(task["step"]["name"])
