"""Make the capabilities of a task from the modules of a package, each when the task first uses it, unless they are loaded before."""

import importlib
from typing import Any, cast

from runtime.contract import Capabilities
from runtime.interpreter.capabilities import NAMES
from schemas.task import Task

__all__ = ["CapabilityHost"]


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
        return cast("Capabilities", _TaskCapabilities(self.of_task(), task))

    def of_task(self) -> "CapabilityHost":
        """Return this host for one task; a host whose capabilities of a task know of each other overrides it."""
        return self

    def load_modules(self) -> None:
        """Import the modules of all capabilities, for a process that serves many: the first use of one would hold its event loop for
        up to a fifth of a second.
        """
        for name in sorted(NAMES - self._replaced.keys()):
            importlib.import_module(f"{self._package}.{name}")

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
