"""A JSON object that names a plan by its hash, where the reader must have the plan at hand."""

from typing import Any

__all__ = ["PlanReference"]


class PlanReference(dict[str, Any]):
    """A JSON object whose member `plan_hash` names a stored plan.

    Its payload carries the hash in its metadata, too, so that a worker loads the plan while it decodes the payload: workflow
    code may not wait for I/O.
    """
