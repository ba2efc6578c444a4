"""Repeats work for files whenever one of them changes, until Ctrl-C."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.3
"""Seconds between two looks at the files."""


def watch_files(list_files: Callable[[], list[str]], work: Callable[[list[str]], object]) -> None:
    """Do the work for all files, then for those that change or appear, until Ctrl-C."""
    seen: dict[str, int] = {}
    try:
        while True:
            now = {name: _changed_at(name) for name in list_files()}
            changed = [name for name, at in now.items() if seen.get(name) != at]
            if changed:
                sys.stdout.write("\n" if seen else "")
                work(changed)
                sys.stdout.flush()
            seen = now
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _changed_at(name: str) -> int:
    try:
        return Path(name).stat().st_mtime_ns
    except OSError:
        return 0
