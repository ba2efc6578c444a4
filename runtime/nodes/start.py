"""Start: how exports from before n8n 1.0 begin a manual run."""

from runtime.contract import Trigger


class Start(Trigger):
    """Passes on what started the run."""

    type = "n8n-nodes-base.start"
    versions = (1,)
    trigger = "manual"
