"""The base of polling triggers: a schedule of Temporal asks, and a run begins where there is something new."""

from collections.abc import Iterator
from typing import Any, ClassVar

from runtime.contract import Activity, ActivityContext, Dynamic, Items, Outputs, param
from runtime.values.schedules import firings, poll_row, problems
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import BadSchedule
from schemas.plan import Firing


class Poll(Activity):
    """A start node that looks for what is new. Subclasses say in `poll` what that is.

    How far it has read is in the node's static data, which are written before the run goes on: the next poll never
    sees what this one saw, and a run that has begun is not lost. The first poll happens when the template is published
    or activated. A poll that finds nothing leaves no run.
    """

    trigger = "poll"
    uses_static_data = True
    input_count: ClassVar[int] = 0

    poll_times: Dynamic[dict[str, Any]] = param({"item": [{"mode": "everyMinute"}]})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report times that cannot be read, never come, or come more often than once a minute."""
        del version
        for place, text, reason in problems(self.poll_times, "item", poll_row):
            yield BadSchedule(at=at.within("parameters", "pollTimes", *place), schedule=text, reason=reason)

    def firings(self, name: str) -> list[Firing]:
        """Return one firing per time."""
        return firings(self.poll_times, "item", poll_row, name)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the caller's items, else the new ones."""
        if items and items[0]["json"]:
            return [items]
        state: dict[str, Any] = context.static_data.setdefault(f"node:{context.name}", {})
        new_items = await context.resolve(self, 0).poll(context, state)
        if not state:
            del context.static_data[f"node:{context.name}"]
        return [new_items]

    async def poll(self, context: ActivityContext, state: dict[str, Any]) -> Items:
        """Return the new items. `state` is the node's static data, left by the last poll; change it in place.

        In a test (`context.mode` is "manual") n8n shows the newest item whatever was read before.
        """
        raise NotImplementedError
