"""Chat Memory Manager: reads, adds to and deletes the messages of a session."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, cast

from runtime.agents.memory import chat_memory
from runtime.agents.memory.stored_messages import langchain_calls
from runtime.agents.messages import Message, as_text, assistant, system, text_of, user
from runtime.agents.roots.root import CommandResult, Continue, Finish, ItemState, Root
from runtime.contract import Call, DurableContext, Dynamic, NodeError, param
from schemas.item import Json, PairedItem

ALL: Final = 500
"""Messages of a session that are read, the newest ones."""
ROLES: Final = {"ai": assistant, "system": system, "user": user}
MEMBERS: Final = {"user": "human", "assistant": "ai", "system": "system", "tool": "tool"}
CLASSES: Final = {"user": "HumanMessage", "assistant": "AIMessage", "system": "SystemMessage", "tool": "ToolMessage"}
AS_VERSION_1: Final = (
    "version 1 of the Chat Memory Manager groups where the author says so, and reads simplified messages once"
)
INSERT: dict[str, list[Any]] = {"mode": ["insert"]}
DELETE: dict[str, list[Any]] = {"mode": ["delete"]}
LOAD: dict[str, list[Any]] = {"mode": ["load"]}


class MemoryManager(Root):
    """Once per item, in the session of the connected memory."""

    type = "@n8n/n8n-nodes-langchain.memoryManager"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1)

    mode: str = param("load")
    insert_mode: str = param("insert", show=INSERT)
    delete_mode: str = param("lastN", show=DELETE)
    messages: Dynamic[dict[str, Any]] = param({}, show=INSERT)
    last_messages_count: Dynamic[int] = param(2, show=DELETE | {"deleteMode": ["lastN"]})
    simplify_output: Dynamic[bool] = param(True, show=LOAD)
    options: Dynamic[dict[str, Any]] = param({}, show=LOAD)

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Read the session, or change it where that needs no reading."""
        i = item_state["i"]
        memory = chat_memory.connected(context, i)
        if memory is None:
            raise NodeError("A memory sub-node must be connected and enabled")
        item_state["memory"], item_state["key"] = memory[:2]
        here = context.resolve(self, i)
        if here.mode == "insert":
            rows = (here.messages or {}).get("messageValues") or []
            id_ = self.identity(context, item_state)
            messages = [
                ROLES[row.get("type", "system")](as_text(row.get("message", ""))) | {"id": f"{id_}/{n}"}
                for n, row in enumerate(rows)
            ]
            return self._change(item_state, "replace" if here.insert_mode == "override" else "save", messages)
        if here.mode == "delete" and here.delete_mode == "all":
            return self._change(item_state, "replace", [])
        payload = {"key": item_state["key"], "limit": ALL}
        return self.order(item_state, "loaded", Call("load", payload, step=item_state["memory"], item=i))

    def _change(self, item_state: ItemState, method: str, messages: Sequence[Message]) -> Continue:
        payload = cast(Json, {"key": item_state["key"], "messages": list(messages)})
        return self.order(item_state, "changed", Call(method, payload, step=item_state["memory"], item=item_state["i"]))

    def after_changed(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Say that it is done."""
        del context
        replies[0].get()
        return Finish([(0, {"json": {"success": True}, "pairedItem": {"item": item_state["i"]}})])

    def after_loaded(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Delete the last messages, or return all of them."""
        found: list[Message] = replies[0].get()
        here = context.resolve(self, item_state["i"])
        if here.mode == "delete":
            count = max(0, int(here.last_messages_count or 0))
            return self._change(item_state, "replace", found[: max(0, len(found) - count)])
        rows = _simplified(found) if here.simplify_output else [_constructor(each) for each in found]
        pair: PairedItem = {"item": item_state["i"]}
        grouped = context.version >= 1.1 and (here.options or {}).get("groupMessages") is not False
        if context.version < 1.1 and context.patched(AS_VERSION_1):
            grouped = bool((here.options or {}).get("groupMessages"))
            if not grouped and here.simplify_output and item_state["i"] > 0:  # n8n stops after the first item
                return Finish([])
        if not grouped:
            return Finish([(0, {"json": row, "pairedItem": pair}) for row in rows])
        return Finish([(0, {"json": {"messages": rows, "messagesCount": len(rows)}, "pairedItem": pair})])


def _simplified(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return an object per message of the user, with what follows it; a second message of one kind begins another."""
    rows: list[dict[str, Any]] = []
    for message in messages:
        member = MEMBERS[message["role"]]
        if not rows or member == "human" or member in rows[-1]:
            rows.append({})
        rows[-1][member] = [] if message.get("tool_calls") else text_of(message)
    return rows


def _constructor(message: Message) -> dict[str, Any]:
    """Return a message as LangChain writes it."""
    told: dict[str, Any] = {}
    if message["role"] == "assistant":
        told = {"tool_calls": langchain_calls(message), "invalid_tool_calls": []}
    elif message["role"] == "tool":
        told = {"tool_call_id": message["tool_call_id"], "name": message.get("name", "")}
    content = [] if message.get("tool_calls") else message["content"]
    kwargs = {"content": content, **told, "additional_kwargs": {}, "response_metadata": {}}
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain_core", "messages", CLASSES[message["role"]]],
        "kwargs": kwargs,
    }
