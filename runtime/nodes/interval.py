"""Interval: every so many seconds, minutes or hours, in exports from before Schedule Trigger."""

from typing import Literal

from runtime.contract import Dynamic, Trigger, param
from runtime.values.schedules import interval
from schemas.plan import Firing


class Interval(Trigger):
    """One empty item each time."""

    type = "n8n-nodes-base.interval"
    versions = (1,)
    trigger = "schedule"

    notice: str = param("")
    interval: Dynamic[int] = param(1)
    unit: Dynamic[Literal["seconds", "minutes", "hours"]] = param("seconds")

    def firings(self, name: str) -> list[Firing]:
        """Return the one interval."""
        del name
        return [interval(self.interval, self.unit)]
