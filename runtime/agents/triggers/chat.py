"""Chat: a message to whoever started the run from a chat; the run goes on after it."""

from collections.abc import Iterator
from typing import Any

from runtime.contract import Command, Done, Durable, DurableContext, Dynamic, Event, Respond, param
from runtime.values.javascript import js_string
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnsupportedChoice
from schemas.item import Json

NO_WAIT = "turn 'Wait for User Reply' off: each message of a chat starts a run of its own here"
SEND_ONLY = "send the message, and let the user's next one start the next run"


class Chat(Durable):
    """Once for all items, with the parameters of the first; its input is its output."""

    type = "@n8n/n8n-nodes-langchain.chat"
    versions = (1, 1.1, 1.2, 1.3)
    responds = True
    one_item_each = True
    differs = "A chat reads one message of a run: that of the first Chat node that the run comes to"

    operation: str = param("send", show={"@version": [{"_cnd": {"gte": 1.1}}]}, unsupported={"sendAndWait": SEND_ONLY})
    message: Dynamic[Any] = param("", required=True)
    wait_user_reply: bool = param(True, show={"@version": [{"_cnd": {"lt": 1.1}}]})
    options: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report a node that waits for the user's reply."""
        if version < 1.1 and self.wait_user_reply:
            place, name = at.within("parameters", "waitUserReply"), "waitUserReply"
            yield UnsupportedChoice(at=place, type=self.type, name=name, value="true", advice=NO_WAIT)

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Send the message, and pass the items on."""
        del state, event
        message = context.resolve(self, 0).message if context.items else self.message
        text = message if isinstance(message, str) else js_string(message)
        return None, [Respond({"statusCode": 200, "body": {"output": text}}), Done([context.items])]
