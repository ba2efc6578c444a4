"""Commands on the worker's machine, for tenants that the operator names."""

from runtime.contract import NodeError
from runtime.contract.capabilities import CommandResult, Commands
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform import commands
from schemas.task import Task


class WorkerCommands(Commands):
    """Commands of the task's tenant, as TEMPOR8_COMMANDS has it."""

    def __init__(self, switch: str) -> None:
        self._switch = switch

    async def run(self, command: str) -> CommandResult:
        """In namespaces of its own, as a user of its own."""
        if self._switch == "off":
            raise NodeError(
                "Execute Command is switched off",
                description="The operator of this service switches it on for a tenant by TEMPOR8_COMMANDS.",
            )
        try:
            done = await commands.run(command, network=self._switch == "network")
        except commands.CommandError as error:
            raise NodeError(str(error)) from error
        return CommandResult(done.exit_code, done.stdout, done.stderr)


def provide(resources: WorkerResources, task: Task) -> WorkerCommands:
    """Return the commands of a task."""
    return WorkerCommands(resources.settings.commands_of(task["meta"]["tenant"]))
