"""Exceptions that fail an attempt of an activity, so that Temporal repeats it without end: servers that are away."""

from temporalio.service import RPCError

from runtime.interpreter.failures import is_infrastructure
from runtime.platform.postgres import is_database_fault

__all__ = ["is_fault"]


def is_fault(error: Exception) -> bool:
    """Return whether a server or this worker is at fault, and not the step."""
    return isinstance(error, RPCError) or is_database_fault(error) or is_infrastructure(error)
