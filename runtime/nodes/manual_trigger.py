"""Manual Trigger: starts a run with one empty item, or with what the caller gave."""

from runtime.contract import Trigger, param


class ManualTrigger(Trigger):
    """Passes on what started the run."""

    type = "n8n-nodes-base.manualTrigger"
    versions = (1,)
    trigger = "manual"

    notice: str = param("")
