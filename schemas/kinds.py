"""Trigger kinds, execution modes and statuses of runs. Their values are on the wire."""

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
    """The status of a run, as Temporal has it."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"
