"""n8n's expressions at run time: paths are walked in Python, scripts run on the host's evaluator, one batch per step.

This package is pure. `v8` is the evaluator that hosts pass in; no other module of the package imports it.
"""

from runtime.expressions.evaluating import (
    FINAL_SECONDS,
    PreparedExpressions,
    evaluate,
    evaluate_scripts,
    evaluate_snapshot,
    prepare,
    split,
)
from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.limits import ScriptLimit
from runtime.expressions.paths import render
from runtime.expressions.pattern_matching import matcher
from runtime.expressions.snapshots import snapshot

__all__ = [
    "FINAL_SECONDS",
    "PreparedExpressions",
    "ScriptEvaluator",
    "ScriptLimit",
    "evaluate",
    "evaluate_scripts",
    "evaluate_snapshot",
    "matcher",
    "prepare",
    "render",
    "snapshot",
    "split",
]
