"""No commands."""

from runtime.contract import NodeError
from runtime.contract.capabilities import CommandResult, Commands
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoCommands(Commands):
    """Nothing is run."""

    def __init__(self, node: str) -> None:
        self._node = node

    async def run(self, command: str) -> CommandResult:
        """Refuse."""
        del command
        raise NodeError(f"Node '{self._node}' runs a command, and this run is offline")


def provide(resources: OfflineResources, task: Task) -> NoCommands:
    """Return the commands of a task."""
    del resources
    return NoCommands(task["step"]["name"])
