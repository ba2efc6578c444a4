"""Capability: commands of an author on the worker's own machine."""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["CommandResult", "Commands"]


@dataclass(frozen=True)
class CommandResult:
    """What a command left: its exit code, and what it wrote, white space at both ends removed."""

    exit_code: int
    stdout: str
    stderr: str


class Commands(Protocol):
    """Shell commands in a process of their own, for tenants that the operator names (TEMPOR8_COMMANDS)."""

    async def run(self, command: str) -> CommandResult:
        """Run a command by the shell and return how it ended; an exit code other than 0 is no error here.

        Raises NodeError: it may not run for this tenant, took too long, or wrote too much.
        """
