"""Simple Memory: the last exchanges of a session."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.memory.chat_memory import Memory, sub_node_error
from runtime.contract import Dynamic, param

ID = "={{ $json.sessionId }}"


class MemoryBufferWindow(Memory):
    """`contextWindowLength` counts exchanges: a question and its answer."""

    type = "@n8n/n8n-nodes-langchain.memoryBufferWindow"
    versions = (1, 1.1, 1.2, 1.3, 1.4)

    first_key: Dynamic[Any] = param("chat_history", alias="sessionKey", show={"@version": [1]})
    second_key: Dynamic[Any] = param(ID, alias="sessionKey", show={"@version": [1.1]})
    session_id_type: str = param("fromInput", show={"@version": [{"_cnd": {"gte": 1.2}}]})
    input_key: Dynamic[Any] = param(
        ID, alias="sessionKey", show={"sessionIdType": ["fromInput"], "@version": [{"_cnd": {"gte": 1.3}}]}
    )
    custom_key: Dynamic[Any] = param("", alias="sessionKey", show={"sessionIdType": ["customKey"]})
    context_window_length: Dynamic[int] = param(5)

    def session(self, name: str, version: float, item: Mapping[str, Any]) -> str:
        """Return the session key. Raise NodeError without one, as n8n does."""
        if version < 1.2:
            key = self.first_key if version < 1.1 else self.second_key
        elif self.session_id_type == "customKey":
            key = self.custom_key
        else:
            key = self.input_key if version >= 1.3 else item.get("sessionId")
        if key in (None, ""):
            raise sub_node_error(
                name,
                "Key parameter is empty"
                if self.session_id_type == "customKey" and version >= 1.2
                else "No session ID found",
            )
        return str(key)

    def window(self, version: float) -> int:
        """Return the number of messages: two per exchange."""
        del version
        return 2 * int(self.context_window_length)
