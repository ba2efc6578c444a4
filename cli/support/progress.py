"""Progress of long work: a bar on standard error, for people who sit before a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer

__all__ = ["progress_bar"]

FROM_PARTS: Final = 20
"""Parts from which on work counts as long."""


@contextmanager
def progress_bar(parts: int, label: str, *, shown: bool = True) -> Iterator[Callable[[], None]]:
    """Yield what to call after each part.

    Args:
        parts: number of parts.
        label: what they are, before the bar.
        shown: False where the output is for a program, or on the same terminal line by line. There is no bar without a terminal.
    """
    if not shown or parts < FROM_PARTS or not sys.stderr.isatty():
        yield lambda: None
        return
    with typer.progressbar(length=parts, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)
