"""Errors that mean the same in every layer."""

__all__ = ["InfrastructureError"]


class InfrastructureError(Exception):
    """A server is away, or the worker lacks a key or a permission: nothing that the author of a workflow did.

    Inside an activity it fails the attempt, never the step: Temporal repeats the attempt without end.
    """
