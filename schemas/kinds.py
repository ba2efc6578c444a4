"""The words for what starts a run, how n8n calls its execution, and how it stands. As text they are what is on the wire."""

from enum import StrEnum


class TriggerKind(StrEnum):
    """What started a run; of a trigger node, what it listens for. A search attribute of runs."""

    MANUAL = "manual"
    WEBHOOK = "webhook"
    FORM = "form"
    CHAT = "chat"
    SCHEDULE = "schedule"
    POLL = "poll"
    WORKFLOW = "workflow"
    """Another workflow called it."""
    ERROR = "error"
    """Another workflow failed."""
    API = "api"
    """A start by REST; no node listens for it."""
    RETRY = "retry"
    """A run that tries another one again; no node listens for it."""


class Mode(StrEnum):
    """n8n's execution mode, as `$execution.mode` and nodes see it."""

    MANUAL = "manual"
    TRIGGER = "trigger"
    WEBHOOK = "webhook"
    INTEGRATED = "integrated"
    """Called by another workflow."""
    ERROR = "error"
    """An error workflow."""


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"
