"""Requests that the domain refuses. The API answers them as problem details, the command line prints their message."""

__all__ = ["IdempotencyKeyReusedError", "NotRetriableError", "NotStartableError", "ServiceError", "VersionGoneError"]


class ServiceError(Exception):
    """A refused request. The message says why, and what the caller can do."""


class IdempotencyKeyReusedError(ServiceError):
    """The idempotency key started another run of the template."""


class NotStartableError(ServiceError):
    """The plan has no enabled trigger."""


class NotRetriableError(ServiceError):
    """A run cannot continue from the requested node."""


class VersionGoneError(ServiceError):
    """The template has no version with the requested plan."""
