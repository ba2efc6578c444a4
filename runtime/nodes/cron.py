"""Cron: the schedule of exports from before Schedule Trigger."""

from collections.abc import Iterator
from typing import Any

from runtime.contract import Dynamic, Trigger, param
from runtime.values.schedules import problems
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import BadSchedule


class Cron(Trigger):
    """One empty item at each of its times."""

    type = "n8n-nodes-base.cron"
    versions = (1,)
    trigger = "schedule"

    notice: str = param("")
    trigger_times: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Rules that cannot be read, or that never fire."""
        del version
        for place, text, reason in problems(self.type, {"triggerTimes": self.trigger_times}):
            yield BadSchedule(at=at.within("parameters", *place), schedule=text, reason=reason)
