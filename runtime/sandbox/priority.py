"""Processor time between children: code that has run for long gives way to code that has just begun."""

import contextlib
import os
from pathlib import Path
from typing import Final

__all__ = ["LONG_RUN_SECONDS", "lower_priority"]

LONG_RUN_SECONDS: Final = 2.0
"""Seconds after which a run of code has a lower priority. Its process ends with the run, since only root may raise it again."""
NICENESS: Final = 10
"""Added to its own. About a tenth of the processor time of a process that has the usual priority, and all that nobody else wants."""
LEAST: Final = 19
OUR_GROUP: Final = Path("/proc/self/autogroup")


def lower_priority(pid: int) -> None:
    """Give a process, its threads and its descendants a lower priority. Nothing happens where that is not allowed."""
    threads = _names(Path(f"/proc/{pid}/task"))
    for thread in threads or [str(pid)]:  # without /proc, as on macOS, the number of the process means all its threads
        with contextlib.suppress(OSError):
            own = os.getpriority(os.PRIO_PROCESS, int(thread))
            os.setpriority(os.PRIO_PROCESS, int(thread), min(own + NICENESS, LEAST))
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii").split():
                lower_priority(int(child))
    # where sessions are groups of the scheduler, niceness counts within a group only; a process in ours has no group of its own
    group = Path(f"/proc/{pid}/autogroup")
    with contextlib.suppress(OSError):
        name, ours = _group(group), _group(OUR_GROUP)
        if name and ours and name != ours:
            group.write_text(str(NICENESS), encoding="ascii")


def _group(path: Path) -> str:
    """The name of a scheduler's group; empty where the kernel has them and this process is in none."""
    return path.read_text(encoding="ascii").partition(" ")[0].strip()


def _names(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir()]
    except OSError:
        return []
