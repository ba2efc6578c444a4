"""Prompts of models' nodes, which n8n's code trims before anything is sent."""

from collections.abc import Sequence
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.answers import ThrownError, unreadable
from schemas.item import UNDEFINED

__all__ = ["require"]


def require(prompts: Sequence[Any], name: str = "text") -> None:
    """Raise NodeError unless all are texts and one says something; `name`: what n8n's code calls one."""
    for each in prompts:
        if each is None or each is UNDEFINED:
            raise unreadable(each, "trim")
        if not isinstance(each, str):
            raise ThrownError(f"{name}.trim is not a function", description="A prompt is a text.")
    if not any(each.strip() for each in prompts):
        raise NodeError("A non-empty prompt is required.")
