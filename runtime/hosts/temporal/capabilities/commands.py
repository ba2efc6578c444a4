"""Commands on the worker's machine, for tenants that the operator names."""

from runtime.contract import NodeError
from runtime.contract.capabilities import CommandResult, Commands
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.shares import patience
from runtime.platform import commands
from runtime.sandbox.tenant_slots import TenantSlots
from schemas.task import Task


class WorkerCommands(Commands):
    """Commands of the task's tenant, as TEMPOR8_COMMANDS has it.

    Args:
        switch: `off`, `on` or `network`.
        tenant: whose they are.
        slots: how many commands and pieces of code there are at a time: what all of them may hold in memory is bounded by it.
    """

    def __init__(self, switch: str, tenant: str, slots: TenantSlots) -> None:
        self._switch, self._tenant, self._slots = switch, tenant, slots

    async def run(self, command: str) -> CommandResult:
        """In namespaces of its own, as a user of its own, once the tenant has a slot. Raise NodeError, SlotsTaken."""
        if self._switch == "off":
            raise NodeError(
                "Execute Command is switched off",
                description="The operator of this service switches it on for a tenant by TEMPOR8_COMMANDS.",
            )
        try:
            async with self._slots.hold(self._tenant, patience()):
                done = await commands.run(command, network=self._switch == "network")
        except commands.CommandError as error:
            raise NodeError(str(error)) from error
        return CommandResult(done.exit_code, done.stdout, done.stderr)


def provide(resources: WorkerResources, task: Task) -> WorkerCommands:
    """Return the commands of a task."""
    tenant = task["meta"]["tenant"]
    return WorkerCommands(resources.settings.commands_of(tenant), tenant, resources.code.slots)
