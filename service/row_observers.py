"""Who is shown the rows of runs once they are written: traces and figures."""

from collections.abc import Callable, Sequence

from runtime.platform.telemetry.logging import get_logger
from service.execution_rows import ExecutionRow

__all__ = ["RowObserver", "RowObservers"]

log = get_logger("tempor8.observers")
RowObserver = Callable[[Sequence[ExecutionRow]], None]


class RowObservers:
    """Shows rows to everyone who asked. What one of them raises is logged: no row waits for telemetry."""

    def __init__(self) -> None:
        self._observers: list[RowObserver] = []

    def add(self, observer: RowObserver) -> None:
        """Show this observer every row from now on. A row may be shown more than once, as it may be written more than once."""
        self._observers.append(observer)

    def show(self, rows: Sequence[ExecutionRow]) -> None:
        """Show rows that are written."""
        for observer in self._observers:
            try:
                observer(rows)
            except Exception:
                log.exception("an observer of rows failed")
