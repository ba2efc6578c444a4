"""How long the steps of a worker take, for Prometheus: by type of node and outcome."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from temporalio.common import MetricMeter

from schemas.task import Task

__all__ = ["Measured", "StepFigures"]


@dataclass
class Measured:
    """One attempt of a step."""

    outcome: Literal["success", "error", "interrupted"] = "interrupted"
    """interrupted: it was cancelled, sent back, or ended with its worker's limit."""


class StepFigures:
    """Measures attempts of steps. `meter`: of the SDK's runtime; None: nothing is shown."""

    def __init__(self, meter: MetricMeter | None = None) -> None:
        self._seconds = (
            meter.create_histogram_float("tempor8_step_task_seconds", "One attempt of a step on this worker")
            if meter
            else None
        )

    @contextlib.contextmanager
    def measure(self, task: Task) -> Iterator[Measured]:
        """Measure an attempt from here to the end of the block, whose outcome is set within."""
        measured, began = Measured(), time.perf_counter()
        try:
            yield measured
        finally:
            if self._seconds is not None:
                labels = {"type": str(task["step"].get("type", "")) or "unknown", "outcome": measured.outcome}
                self._seconds.record(time.perf_counter() - began, labels)
