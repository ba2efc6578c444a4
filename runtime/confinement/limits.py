"""What one child may take, and what it is told at its start."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

__all__ = ["ChildLimits", "LaunchSpec"]


@dataclass(frozen=True)
class ChildLimits:
    """Limits of one child process, for as long as it lives."""

    memory_bytes: int = 1 << 30
    """What it may write, beyond what it has when its own code says that it is complete."""
    cpu_seconds: int | None = None
    """Processor time of the whole process; None: whoever started it watches the clock, and the supervisor
    the service. A limit per piece of work is not possible: a hard one cannot be raised again, and the first process of a
    namespace ignores the signal of a soft one."""
    open_files: int = 40
    threads: int = 1024
    """Threads and processes of the child's user, where that is not the service's. All children that became this user share them, those
    of other services and containers of the machine too, and V8 crashes when it gets no thread: two or three each are the least.
    """


@dataclass(frozen=True)
class LaunchSpec:
    """Everything that a launcher is told."""

    limits: ChildLimits
    parent: int
    """Process id of the service: the child ends with it."""
    users: tuple[int, int] | None = None
    """First and last of the users of which the child becomes one; None: it stays the service's own."""
    strict: bool = False
    """Whether a wall that cannot be built ends the child."""
    module: str | None = None
    """Module with `prepare(arguments)` and `serve(...)`, by its name or its file; None: `arguments` is a native program."""
    arguments: tuple[str, ...] = ()
    report: int | None = None
    """Descriptor to which the launcher writes the id of the process that does the work."""

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> LaunchSpec:
        """Return what `dump` wrote."""
        values = json.loads(text)
        values |= {"limits": ChildLimits(**values["limits"]), "arguments": tuple(values["arguments"])}
        return cls(**values | {"users": tuple(values["users"]) if values["users"] else None})
