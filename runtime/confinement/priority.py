"""Processor time between processes: foreign code gives way to the loops that serve everybody, and code that has run for long to
code that has just begun.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

__all__ = ["FROM_THE_START", "LONG_RUN_SECONDS", "OF_LONG_RUNS", "lower_priority"]

LONG_RUN_SECONDS: Final = 2.0
"""Seconds after which a run of code has a lower priority. Its process ends with the run, since only root may raise it again."""
FROM_THE_START: Final = 5
"""Niceness of a child above this process': about a third of the processor time of a worker's own loop, where both want it."""
OF_LONG_RUNS: Final = 15
"""The same after a long run: about a tenth of the processor time of code that has just begun, and all that nobody else wants."""
LEAST: Final = 19
OUR_GROUP: Final = Path("/proc/self/autogroup")


def lower_priority(pid: int, above: int = OF_LONG_RUNS) -> None:
    """Give a process, its threads and its descendants a lower priority than this process has. Nothing happens where that is not
    allowed, or where theirs is as low.

    Args:
        pid: the process.
        above: its niceness above that of this process, and that of its scheduler's group where it is not ours.
    """
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + above, LEAST)
    threads = _names(Path(f"/proc/{pid}/task"))
    for thread in threads or [str(pid)]:  # without /proc, as on macOS, the number of the process means all its threads
        with contextlib.suppress(OSError):
            if os.getpriority(os.PRIO_PROCESS, int(thread)) < niceness:
                os.setpriority(os.PRIO_PROCESS, int(thread), niceness)
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii").split():
                lower_priority(int(child), above)
    # where sessions are groups of the scheduler, niceness counts within a group only; a process in ours has no group of its own
    group = Path(f"/proc/{pid}/autogroup")
    with contextlib.suppress(OSError):
        (name, theirs), (ours, own) = _group(group), _group(OUR_GROUP)
        if name and ours and name != ours and theirs < (wanted := min(own + above, LEAST)):
            group.write_text(str(wanted), encoding="ascii")


def _group(path: Path) -> tuple[str, int]:
    """The name of a scheduler's group and its niceness; an empty name where the kernel has them and this process is in none."""
    name, _, niceness = path.read_text(encoding="ascii").strip().partition(" nice ")
    return name, int(niceness or 0)


def _names(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir()]
    except OSError:
        return []
