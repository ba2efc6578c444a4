"""A snapshot and a context small enough to read: two items from `Prev` into the node `C`."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from runtime.contract import Items
from runtime.sandbox.runner import CodeRunner

T = TypeVar("T")

INPUT: Items = [
    {"json": {"id": 1, "name": "Ada", "d": "2024-03-10T08:30:00.000Z", "o": {"a": [1, 2]}}, "pairedItem": {"item": 0}},
    {"json": {"id": 2, "name": "Bob"}, "pairedItem": {"item": 1}},
]


def node(items: Items) -> dict[str, Any]:
    """A node of the snapshot that ran once."""
    return {"parameters": {}, "context": {}, "branch": 0, "leads": True, "runs": [[items]]}


def snapshot(parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a Code node reads (see scope.js)."""
    return {
        "now": 0, "zone": "America/New_York", "mode": "trigger", "vars": {}, "staticData": {}, "arguments": None,
        "paged": None, "runIndex": 0, "source": [{"previousNode": "Prev"}], "items": INPUT, "seed": 1,
        "workflow": {"active": False, "id": "wf1", "name": "Case"},
        "execution": {"id": "1", "mode": "production", "resumeUrl": "", "resumeFormUrl": "", "customData": {}},
        "step": {"name": "C", "id": "c", "version": 2, "webhookId": None, "parameters": parameters or {}},
        "names": ["Start", "Prev", "C"],
        "nodes": {"Start": node(INPUT), "Prev": node(INPUT), "C": {**node([]), "runs": []}},
        "pairs": {"Prev": [{"item": item} for item in INPUT], "Start": [{"item": item} for item in INPUT]},
    }  # fmt: skip


class Context:
    """As much of ActivityContext as the nodes of this folder use."""

    def __init__(
        self, runner: CodeRunner, *, continue_on_fail: bool = False, parameters: dict[str, Any] | None = None
    ) -> None:
        self.runner, self.continue_on_fail = runner, continue_on_fail
        self.task = {"snapshot": snapshot(parameters), "meta": {"tenant": "t"}}
        self.static_data: dict[str, Any] | None = None
        self.version = 2

    async def run_javascript(self, code: str, *, mode: str, **options: Any) -> Any:
        """Through the child process."""
        return await self._run("javascript", code, mode, options)

    async def run_python(self, code: str, *, mode: str, **options: Any) -> Any:
        """Through the interpreter."""
        return await self._run("python", code, mode, options)

    async def _run(self, language: str, code: str, mode: str, options: dict[str, Any]) -> Any:
        result = await self.runner.run(self.task, language, code, mode, **options)
        self.static_data = result["static_data"]
        return result["value"]


class _Threads:
    """A step's context, as far as readers of documents need it."""

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.to_thread(function, *args)


THREADS: Final = _Threads()
