"""Cron: the schedule of exports from before Schedule Trigger."""

from collections.abc import Iterator
from typing import Any

from runtime.contract import Dynamic, Trigger, param
from runtime.values.schedules import cron_row, firings, problems
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import BadSchedule
from schemas.plan import Firing


class Cron(Trigger):
    """One empty item at each of its times."""

    type = "n8n-nodes-base.cron"
    versions = (1,)
    trigger = "schedule"

    notice: str = param("")
    trigger_times: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report rules that cannot be read, or that never fire."""
        del version
        for place, text, reason in problems(self.trigger_times, "item", cron_row):
            yield BadSchedule(at=at.within("parameters", "triggerTimes", *place), schedule=text, reason=reason)

    def firings(self, name: str) -> list[Firing]:
        """Return one firing per time."""
        return firings(self.trigger_times, "item", cron_row, name)
