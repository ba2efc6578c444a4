"""Requests that the domain refuses. The API answers them as problem details, the command line prints their message."""

__all__ = [
    "IdempotencyKeyReusedError",
    "InputRefusedError",
    "NotRetriableError",
    "NotStartableError",
    "ReplyPendingError",
    "ServiceError",
    "VersionGoneError",
]


class ServiceError(Exception):
    """A refused request. The message says why, and what the caller can do."""


class IdempotencyKeyReusedError(ServiceError):
    """The idempotency key started another run of the template."""


class InputRefusedError(ServiceError):
    """The input is nested too deep, or larger than a run may hand out."""


class NotStartableError(ServiceError):
    """The plan has no enabled trigger."""


class NotRetriableError(ServiceError):
    """A run cannot continue from the requested node."""


class VersionGoneError(ServiceError):
    """The template has no version with the requested plan."""


class ReplyPendingError(ServiceError):
    """A run has begun (or may have) and has no reply for its caller in time. The message says why."""

    def __init__(self, workflow_id: str, reason: str) -> None:
        super().__init__(reason)
        self.workflow_id = workflow_id
