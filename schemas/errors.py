"""Errors that mean the same in every layer."""

from typing import Final

__all__ = ["LIMIT_REACHED", "InfrastructureError"]

LIMIT_REACHED: Final = "LimitReachedError"
"""Name of the error of a step that would pass a limit of the operator's: it ends the run, whatever the step does with errors."""


class InfrastructureError(Exception):
    """A server is away, or the worker lacks a key or a permission: nothing that the author of a workflow did.

    Inside an activity it fails the attempt, never the step: Temporal repeats the attempt without end.
    """
