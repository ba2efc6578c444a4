"""Give a task the capabilities that its kind of step may have, each made when the task first uses it."""

import importlib
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

from runtime.contract import Capabilities, NodeError
from schemas.plan import Kind
from schemas.task import Task

__all__ = ["ALLOWED", "NAMES", "CapabilityHost", "HostCapabilities", "refuse"]

NAMES: Final = frozenset(name for name in vars(Capabilities) if not name.startswith("_"))
"""Every capability."""

ALLOWED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.LOCAL: frozenset({"blobs", "code", "credentials", "log", "progress"}),
    Kind.ACTIVITY: NAMES,
    Kind.DURABLE: NAMES,
    Kind.SUBNODE: NAMES,
}
"""What a step of a kind may use; kinds that are not here may use nothing. A local activity has seconds and no heartbeat, so
that it does pure work, with the bytes and secrets that this needs. Durable steps and sub-nodes use the world in the methods
that their calls run, which are activities.
"""


class HostCapabilities(Protocol):
    """What a host brings: the capabilities of each task."""

    def for_task(self, task: Task) -> Capabilities:
        """Return every capability, as this task has it; `ALLOWED` is not applied."""


class CapabilityHost:
    """The capabilities that a package implements: one module each, with `provide(resources, task)`.

    Args:
        package: the full name of the package.
        resources: what all tasks of the host share; handed to `provide`.
        replaced: objects in place of the package's implementations, by capability (for tests).
    """

    def __init__(self, package: str, resources: Any, **replaced: Any) -> None:
        assert replaced.keys() <= NAMES, f"no capabilities: {sorted(replaced.keys() - NAMES)}"
        self._package, self._resources, self._replaced = package, resources, replaced

    def for_task(self, task: Task) -> Capabilities:
        """Return every capability, as this task has it. A module is imported when a task first uses its capability."""
        return cast("Capabilities", _TaskCapabilities(self, task))

    def provide(self, name: str, task: Task) -> Any:
        """Return the capability `name` for a task."""
        if name in self._replaced:
            return self._replaced[name]
        return importlib.import_module(f"{self._package}.{name}").provide(self._resources, task)


class _TaskCapabilities:
    def __init__(self, host: CapabilityHost, task: Task) -> None:
        self._host, self._task = host, task

    def __getattr__(self, name: str) -> Any:
        """Make a capability; the next access finds the attribute."""
        if name not in NAMES:
            raise AttributeError(name)
        value = self._host.provide(name, self._task)
        setattr(self, name, value)
        return value


def refuse(kind: Kind, capability: str, node: str) -> None:
    """Raise NodeError when a step of this kind may not use the capability; `node` is the name of its class."""
    if capability in ALLOWED.get(kind, frozenset()):
        return
    if kind is Kind.LOCAL:
        remedy = f"Remove `local = True` from {node}, so that its steps are activities"
    else:
        remedy = f"Make {node} an Activity, or use it in a method that a `Call` runs"
    allowed = ", ".join(sorted(ALLOWED.get(kind, ()))) or "none"
    raise NodeError(
        f"{node} uses the capability '{capability}', which steps of the kind '{kind}' do not have",
        description=f"{remedy}; or add it to ALLOWED in runtime/interpreter/capabilities.py. '{kind}' has: {allowed}",
    )
