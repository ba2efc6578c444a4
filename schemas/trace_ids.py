"""Ids of traces and spans, made from the id of a run: whoever knows the run knows its trace, and writing it again changes nothing."""

import re
from hashlib import sha256
from typing import Final

__all__ = ["root_of", "run_span_id", "step_span_id", "trace_id"]

CHILD: Final = re.compile(r"(?:~\d{1,9}){1,100}\Z", re.ASCII)
"""What a sub-workflow's id has after the id of the run that began it, once per level."""


def root_of(workflow_id: str) -> str:
    """Return the id of the run from which a sub-workflow descends; of any other run, its own."""
    found = CHILD.search(workflow_id[-1000:])
    return workflow_id[: len(workflow_id) - len(found.group())] if found else workflow_id


def trace_id(workflow_id: str) -> str:
    """Return the id of a run's trace, 32 hexadecimal digits. A run and its sub-workflows are one trace."""
    return sha256(f"trace\0{root_of(workflow_id)}".encode()).hexdigest()[:32]


def run_span_id(workflow_id: str) -> str:
    """Return the id of the span of a run, 16 hexadecimal digits."""
    return sha256(f"run\0{workflow_id}".encode()).hexdigest()[:16]


def step_span_id(workflow_id: str, node: str, run: int) -> str:
    """Return the id of the span of one run of a node, 16 hexadecimal digits."""
    return sha256(f"step\0{workflow_id}\0{node}\0{run}".encode()).hexdigest()[:16]


def call_span_id(workflow_id: str, place: int) -> str:
    """Return the id of the span of a run's model request, by its place among them, 16 hexadecimal digits."""
    return sha256(f"call\0{workflow_id}\0{place}".encode()).hexdigest()[:16]
