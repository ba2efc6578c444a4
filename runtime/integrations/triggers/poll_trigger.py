"""A trigger that asks a vendor for what is new."""

from dataclasses import dataclass, replace
from typing import Any, cast

from runtime.contract import ActivityContext, Item, Items, NodeError
from runtime.integrations.described import Described
from runtime.integrations.node_run import NodeRun
from runtime.integrations.operation import WRONG_VALUES, Run
from runtime.integrations.scope import Scope
from runtime.integrations.triggers.descriptor import TriggerDescriptor
from runtime.nodes.polling import Poll

__all__ = ["PollRun", "VendorPoll"]


@dataclass(frozen=True)
class PollRun:
    """One poll: what a function of the vendor's module works with."""

    run: Run
    scope: Scope
    state: dict[str, Any]
    """What the last poll left; changed in place."""
    name: str
    """Of the node."""

    @property
    def manual(self) -> bool:
        """Whether it is a test, in which n8n shows the newest item whatever was read before."""
        return self.run.context.mode == "manual"

    @property
    def now(self) -> float:
        """Milliseconds since the epoch."""
        return self.run.context.now

    async def request(self, **spec: Any) -> Any:
        """See `Run.request`."""
        return await self.run.request(self.scope, **spec)

    async def pages(self, **spec: Any) -> list[Any]:
        """See `Run.pages`."""
        return await self.run.pages(self.scope, **spec)


class VendorPoll(Described, Poll):
    """A poll of a vendor's API. The loader makes a class per descriptor."""

    async def poll(self, context: ActivityContext, state: dict[str, Any]) -> Items:
        """Return what is new."""
        items: Items = [cast("Item", {"json": {}})]
        run = NodeRun(self, context, items)
        scope, sender = await run.prepare(0)
        scope = replace(scope, strict=True)

        async def scope_of(i: int) -> Scope:
            return (await run.prepare(i))[0]

        poll = PollRun(Run(context, sender, items, scope_of), scope, state, context.name)
        function = getattr(self.module, cast("TriggerDescriptor", self.descriptor).poll or "")
        try:
            return cast("Items", await function(poll))
        except WRONG_VALUES as error:  # an answer has another structure than the vendor documents
            name = self.descriptor.name
            raise NodeError(f"An answer of {name} has another structure than {name} documents") from error
