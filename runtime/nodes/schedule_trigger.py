"""Schedule Trigger: starts a run at a time. Temporal keeps the schedule; this node says what the item holds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from runtime.contract import Context, Dynamic, Items, Outputs, Trigger, param
from runtime.values.schedules import firings, problems, schedule_row
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import BadSchedule
from schemas.plan import Firing

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_MISFIRE: Final = {"@version": [{"_cnd": {"gte": 1.4}}]}


class ScheduleTrigger(Trigger):
    """One item with the time at which it fired, in the workflow's time zone."""

    type = "n8n-nodes-base.scheduleTrigger"
    versions = (1, 1.1, 1.2, 1.3, 1.4)
    trigger = "schedule"

    notice: str = param("")
    rule: Dynamic[dict[str, Any]] = param({"interval": [{"field": "days"}]})
    misfire_policy: Literal["coalesce", "coalesce_owner", "skip"] = param("skip", show=_MISFIRE)
    misfire_grace_seconds: float = param(0, show=_MISFIRE)
    skip_durable_scheduler: bool = param(False)

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report rules that cannot be read, or that never fire."""
        del version
        for place, text, reason in problems(self.rule, "interval", schedule_row):
            yield BadSchedule(at=at.within("parameters", "rule", *place), schedule=text, reason=reason)

    def firings(self, name: str) -> list[Firing]:
        """Return one firing or more per rule."""
        return firings(self.rule, "interval", schedule_row, name)

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the caller's items, else the moment as text: n8n gives every part as a string."""
        if items and items[0]["json"]:
            return [items]
        at = (EPOCH + timedelta(milliseconds=context.now)).astimezone(ZoneInfo(context.timezone))
        return [[{"json": moment(at)}]]


def moment(at: datetime) -> dict[str, Any]:
    """Return n8n's item of a schedule."""
    offset = at.strftime("%z")
    shown_offset = f"{offset[:3]}:{offset[3:]}"
    return {
        "timestamp": at.isoformat(timespec="milliseconds"),
        "Readable date": f"{at:%B} {_ordinal(at.day)} {at.year}, {at.hour % 12 or 12}:{at:%M:%S} {'am' if at.hour < 12 else 'pm'}",
        "Readable time": f"{at.hour % 12 or 12}:{at:%M:%S} {'am' if at.hour < 12 else 'pm'}",
        "Day of week": f"{at:%A}",
        "Year": f"{at.year}",
        "Month": f"{at:%B}",
        "Day of month": f"{at.day:02}",
        "Hour": f"{at.hour:02}",
        "Minute": f"{at.minute:02}",
        "Second": f"{at.second:02}",
        "Timezone": f"{at.tzinfo} (UTC{shown_offset})",
    }


def _ordinal(day: int) -> str:
    teens = range(11, 14)
    return f"{day}{'th' if day in teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
