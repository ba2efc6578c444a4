"""Choices that n8n takes as they are written: an expression in one is text."""

from typing import Any

from runtime.values.javascript import js_string

__all__ = ["as_written"]


def as_written(value: Any) -> str:
    """Return a choice as n8n's messages show it: an expression without its equal sign."""
    return js_string(value).removeprefix("=")
