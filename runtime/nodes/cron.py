"""Cron: the schedule of exports from before Schedule Trigger."""

from typing import Any

from runtime.nodes.base import Dynamic, Trigger, param


class Cron(Trigger):
    """One empty item at each of its times."""

    type = "n8n-nodes-base.cron"
    versions = (1,)
    trigger = "schedule"

    notice: str = param("")
    trigger_times: Dynamic[dict[str, Any]] = param({})
