"""A runner of workflow code that loads our modules inside the SDK's strict sandbox, again for each run."""

import dataclasses
from typing import Final

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

__all__ = ["strict_runner"]

LIBRARIES: Final = ("pydantic", "pydantic_core", "orjson", "re2", "_re2", "py_mini_racer", "selectolax", "lxml", "yaml")
"""Packages that the sandbox never loads again: their native code loads only once in a process."""
OUTSIDE: Final = ("runtime.expressions.v8", "runtime.expressions.limits")
"""The script evaluator, which workflow code is given from outside, and what it raises: one class on both sides."""


def strict_runner() -> SandboxedWorkflowRunner:
    """Return a runner with which a clock, randomness or a file that one of our modules reads fails the workflow task."""
    # the SDK wraps ZoneInfo for three methods that nobody calls, and then datetime refuses it
    members = SandboxRestrictions.invalid_module_members_default.with_child_unrestricted("zoneinfo", "ZoneInfo")
    restrictions = dataclasses.replace(SandboxRestrictions.default, invalid_module_members=members)
    return SandboxedWorkflowRunner(restrictions=restrictions.with_passthrough_modules(*LIBRARIES, *OUTSIDE))
