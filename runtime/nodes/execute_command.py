"""Execute Command: a shell command on the worker's machine, where the operator allows it."""

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, each_item_async, param
from runtime.values.javascript import js_string


class ExecuteCommand(Activity):
    """One item per command: `{exitCode, stderr, stdout}`."""

    type = "n8n-nodes-base.executeCommand"
    versions = (1,)
    differs = (
        "It fails unless the operator switches it on for the tenant (TEMPOR8_COMMANDS); a command runs as a user of its own in an "
        "empty folder, for 10 minutes at most, and without a network unless that is switched on, too"
    )

    execute_once: Dynamic[bool] = param(default=True)
    command: Dynamic[str] = param("", required=True)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Run the command of the first item, or of each in turn."""

        async def one(i: int, item: Item) -> Item:
            del item
            command = js_string(context.resolve(self, i).command)
            done = await context.commands.run(command)
            if done.exit_code != 0:
                raise NodeError(f"Command failed: {command}\n{done.stderr}".rstrip(), item=i)
            return {"json": {"exitCode": done.exit_code, "stderr": done.stderr, "stdout": done.stdout}}

        once = bool(items) and context.resolve(self, 0).execute_once
        return await each_item_async(context, items[:1] if once else items, one)
