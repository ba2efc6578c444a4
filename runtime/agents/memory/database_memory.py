"""Base of chat memories in a database of the tenant's: sessions are n8n's, so that conversations go on."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.agents.memory.chat_memory import Memory, sub_node_error

__all__ = ["MAX_MESSAGES", "DatabaseMemory"]

MAX_MESSAGES: Final = 1000
"""Messages that are read where a version has no window."""


class DatabaseMemory(Memory):
    """A chat memory whose sessions all workflows share that use the server."""

    def key(self, workflow: str, session: str) -> str:
        """Return the session: n8n puts nothing before it."""
        del workflow
        return session

    def session_of(self, name: str, item: Mapping[str, Any], given: Any, *, custom: bool) -> str:
        """Return the session of an input item: its `sessionId`, else what the parameter gives. Raise NodeError without one."""
        key = given if custom else item.get("sessionId") or given
        if key in (None, ""):
            raise sub_node_error(name, "Key parameter is empty" if custom else "No session ID found")
        return str(key)
