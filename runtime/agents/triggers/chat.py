"""Chat: a message to the person who started the run from a chat, and maybe a wait for the next one."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import (
    AwaitSignal,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    NodeError,
    Respond,
    param,
)
from runtime.contract.wait_times import limit
from runtime.values.javascript import js_string
from schemas.facts import WaitsFor
from schemas.item import Item, Json

ASKS: Final = {"operation": ["sendAndWait"]}
APPROVES: Final = {**ASKS, "responseType": ["approval"]}
HEARD: Final = ("sessionId", "action", "chatInput")
"""Members of a message in a chat."""


class Chat(Durable):
    """Once for all items, with the parameters of the first. Its output is its input, or the reply that it has waited for."""

    type = "@n8n/n8n-nodes-langchain.chat"
    versions = (1, 1.1, 1.2, 1.3)
    responds = True
    one_item_each = True
    differs = (
        "A chat reads one message of a run at a time: the first that the run comes to after each of the user's. A reply goes on with "
        "the run when it is sent to the `resumeUrl` that came with the message, as the chat's page does"
    )

    operation: str = param("send", show={"@version": [{"_cnd": {"gte": 1.1}}]})
    message: Dynamic[Any] = param("", required=True)
    wait_user_reply: bool = param(True, show={"@version": [{"_cnd": {"lt": 1.1}}]})
    response_type: str = param("freeTextChat", show=ASKS)
    block_user_input: bool = param(False, show={"responseType": ["approval"]})
    approval_options: Dynamic[dict[str, Any]] = param({}, show=APPROVES)
    options: Dynamic[dict[str, Any]] = param({})

    def waits_for(self) -> WaitsFor | None:
        """Return that it waits for a reply, when the node asks for one. In version 1 the parameter of the later ones is hidden."""
        return "call" if self.operation == "sendAndWait" or self.wait_user_reply is True else None

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Send the message; wait for the reply where the node does, else pass the items on."""
        node = context.resolve(self, 0) if context.items else self
        waits = node.waits(context.version)
        if event is None:
            text = node.message if isinstance(node.message, str) else js_string(node.message)
            said: dict[str, Any] = {"output": text}
            if not waits:
                return None, [Respond({"statusCode": 200, "body": said}), Done([context.items])]
            said["resumeUrl"] = context.resume_url
            if buttons := node.buttons():
                said |= {"buttons": buttons, "blockUserInput": node.block_user_input}
            return state, [
                Respond({"statusCode": 200, "body": said}),
                AwaitSignal("webhook", until=node.until(context), config=CONFIG),
            ]
        if event.error is not None:
            raise NodeError(event.error["message"])
        if not isinstance(event.value, list):  # no reply in time
            return None, [Done([context.items])]
        return None, [Done([[node.reply(each) for each in event.value]])]

    def waits(self, version: float) -> bool:
        """Return whether this version of the node waits."""
        return self.wait_user_reply is True if version < 1.1 else self.operation == "sendAndWait"

    def buttons(self) -> list[str]:
        """Return the labels of an approval's buttons, the one that approves last; none where a text is the reply."""
        if self.operation != "sendAndWait" or self.response_type != "approval":
            return []
        chosen = self._approval()
        approve = str(chosen.get("approveLabel") or "Approve")
        if chosen.get("approvalType") != "double":
            return [approve]
        return [str(chosen.get("disapproveLabel") or "Decline"), approve]

    def _approval(self) -> Mapping[str, Any]:
        return (self.approval_options or {}).get("values") or {}

    def until(self, context: DurableContext) -> float | None:
        """Return when the run goes on without a reply, in milliseconds since the epoch. Raise NodeError."""
        limits = ((self.options or {}).get("limitWaitTime") or {}).get("values") or {}
        if not limits:
            return None
        amount, unit = limits.get("resumeAmount", 45), limits.get("resumeUnit", "minutes")
        return limit(context, limits.get("limitType"), amount, unit, limits.get("maxDateAndTime"))

    def reply(self, called: Item) -> Item:
        """Return the item of a reply: the user's message as a Chat Trigger gives it, or whether it approves."""
        body = called["json"].get("body")
        heard = body if isinstance(body, Mapping) else {}
        text = heard.get("chatInput")
        if labels := self.buttons():
            return {"json": {"data": {"approved": isinstance(text, str) and text.strip() == labels[-1]}}}
        item: Item = {"json": {name: heard[name] for name in HEARD if name in heard}}
        if "binary" in called:
            item["binary"] = called["binary"]
        return item


CONFIG: Final[Mapping[str, Any]] = {
    "resume": "webhook", "authentication": "none", "httpMethod": "POST", "responseMode": "responseNode", "options": {},
}  # fmt: skip
"""What the API must know to take the user's reply."""
