"""A call of a tool whose node is durable itself."""

from dataclasses import dataclass

from runtime.contract import RunTool

__all__ = ["DurableTool"]


@dataclass(frozen=True)
class DurableTool:
    """A call of a tool that is durable itself: its reducer runs inside the root's, and counts as one command."""

    call: RunTool
