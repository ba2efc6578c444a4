"""n8n's expressions at run time: paths walked in Python, scripts on V8, one batch per step."""

from runtime.expressions.evaluating import (
    Prepared,
    evaluate,
    evaluate_scripts,
    evaluate_snapshot,
    prepare,
    split,
    start,
)
from runtime.expressions.limits import ScriptLimit
from runtime.expressions.paths import render
from runtime.expressions.snapshots import snapshot

__all__ = [
    "Prepared",
    "ScriptLimit",
    "evaluate",
    "evaluate_scripts",
    "evaluate_snapshot",
    "prepare",
    "render",
    "snapshot",
    "split",
    "start",
]
