"""n8n's expressions at run time: paths walked in Python, scripts on what the host hands in, one batch per step.

This package is pure; `v8` is what hosts hand in, and nothing of the rest imports it.
"""

from runtime.expressions.evaluating import (
    Prepared,
    evaluate,
    evaluate_scripts,
    evaluate_snapshot,
    prepare,
    split,
)
from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.limits import ScriptLimit
from runtime.expressions.paths import render
from runtime.expressions.snapshots import snapshot

__all__ = [
    "Prepared",
    "ScriptEvaluator",
    "ScriptLimit",
    "evaluate",
    "evaluate_scripts",
    "evaluate_snapshot",
    "prepare",
    "render",
    "snapshot",
    "split",
]
