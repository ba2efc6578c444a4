"""The operation of a vendor that sends a question and waits for the answer, on the durable base of all approvals."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final

from runtime.contract import ActivityContext, Command, Done, DurableContext, Event, NodeError, error_item
from runtime.integrations.described import Described
from runtime.nodes.approvals import SEND_AND_WAIT, SendAndWait
from schemas.facts import WaitsFor
from schemas.item import Json

__all__ = ["ASKS", "ASKS_NOT", "VendorQuestion"]

ASKS: Final[Mapping[str, list[Any]]] = {"operation": [SEND_AND_WAIT]}
ASKS_NOT: Final[Mapping[str, list[Any]]] = {"operation": [{"_cnd": {"not": SEND_AND_WAIT}}]}


class VendorQuestion(Described, SendAndWait):
    """A question by a vendor's API. The loader makes a class where a descriptor has an operation that asks."""

    send: ClassVar[Callable[..., Awaitable[NodeError | None]]]
    """Runs the operation with these names in its scope. The loader gives it, since workflow code reaches no HTTP."""

    def mutation(self, version: float) -> str:
        """Return what cannot be taken back: a message is sent."""
        del version
        return "its message"

    def waits_for(self) -> WaitsFor | None:
        """Return that it waits for an answer."""
        return "call"

    def approval(self, version: float) -> Mapping[str, Any]:
        """Return the kind of approval and its labels, with the vendor's defaults where they are given at all, as in n8n."""
        options = self.parameters(version).get("approvalOptions") or {}
        values = options.get("values")
        if not isinstance(values, Mapping):
            return {}
        fact = next((each for each in self.facts.values() if each.name == "approvalOptions"), None)
        defaults = {each.name: each.default for group in fact.members for each in group.members} if fact else {}
        return {**defaults, **values}

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Send, wait, return the answer."""
        if state == "sent" and event is not None and isinstance(event.value, dict):  # an error of the item
            return None, [Done([[error_item(NodeError(event.value["error"]), 0)]])]
        return self.ask(context, state, event)

    async def send_request(self, context: ActivityContext, payload: Json) -> Json:
        """Send the question, with its links (`$message`, `$buttons`). Return the error that becomes an item, or null."""
        question: Any = payload
        text = question["message"]
        message = text.strip() if isinstance(text, str) else text  # n8n trims it for every vendor
        failed = await type(self).send(self, context, {"message": message, "buttons": question["buttons"]})
        return None if failed is None else {"error": failed.message}
