"""Sticky Note: a remark on n8n's canvas. It is not a step of a plan."""

from runtime.contract import Dynamic, Inline, param


class StickyNote(Inline):
    """Text, size and colour; no run ever reaches it."""

    type = "n8n-nodes-base.stickyNote"
    versions = (1,)
    annotation = True

    content: Dynamic[str] = param("")
    height: Dynamic[float] = param(160)
    width: Dynamic[float] = param(240)
    color: Dynamic[float] = param(1)
