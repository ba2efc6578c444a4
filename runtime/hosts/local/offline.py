"""What the tasks of offline runs share, and their capabilities: no network, no secrets, files inline in their items."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runtime.hosts.capabilities import CapabilityHost
from runtime.hosts.local.memory_store import MemoryStore
from runtime.sandbox.runner import CodeRunner
from schemas.task import Task

__all__ = ["FILES_OF", "OfflineCapabilities", "OfflineResources"]

PACKAGE: Final = "runtime.hosts.local.capabilities"
FILES_OF: Final = "test"
"""The tenant of a run that has none."""


@dataclass
class OfflineResources:
    """What outlives a task. By execution: a run and its sub-workflows share."""

    runner: CodeRunner | None = None
    """None: it is made when a task first runs code."""
    stores: defaultdict[str, MemoryStore] = field(default_factory=lambda: defaultdict(MemoryStore))
    credentials: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    chats: defaultdict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=lambda: defaultdict(dict))
    vectors: defaultdict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    folders: dict[str, Path] = field(default_factory=dict)

    def code_runner(self) -> CodeRunner:
        """Return the sandboxes."""
        if self.runner is None:
            self.runner = CodeRunner()
        return self.runner


class OfflineCapabilities(CapabilityHost):
    """The capabilities of offline runs.

    Args:
        runner: of Code nodes; None: one of its own.
        replaced: objects in place of the fakes, by capability.
    """

    def __init__(self, runner: CodeRunner | None = None, **replaced: Any) -> None:
        self.resources = OfflineResources(runner)
        super().__init__(PACKAGE, self.resources, **replaced)

    def begin(self, execution_id: str, credentials: Mapping[str, Any], files: Path | None = None) -> None:
        """Prepare a run: credentials by type, a folder of files, empty tables and conversations, so that it does not see what an
        earlier run stored.
        """
        self.resources.stores.pop(execution_id, None)
        self.resources.chats.pop(execution_id, None)
        self.resources.vectors.pop(execution_id, None)
        self.resources.credentials[execution_id] = credentials
        if files is not None:
            self.resources.folders[execution_id] = files
        else:
            self.resources.folders.pop(execution_id, None)


def root_execution(task: Task) -> str:
    """Return the execution that a task's run, perhaps a sub-workflow, belongs to."""
    root: str = task["meta"]["execution_id"].partition(".")[0]
    return root
