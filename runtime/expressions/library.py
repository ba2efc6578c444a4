"""Run JavaScript libraries that nodes use as scripts are run: with the same clock, zone, limits and frozen globals.

A library is part of the script that uses it, so an isolate parses it once and nothing of it outlives a call.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from runtime.expressions.evaluating import evaluate_snapshot
from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.scope import ExpressionError
from schemas.expression import Script
from schemas.item import UNDEFINED

__all__ = ["LibraryContext", "LibraryError", "run_library"]

T = TypeVar("T")

_VALUES_PER_CALL = 500  # so that a call stays far below its time limit
_VENDOR = Path(__file__).with_name("vendor")
_SHOWDOWN_STATICS = (
    ("while (/¨C(\\d+)C/.test(repText)) {\n      var num = RegExp.$1;",
     "var m; while ((m = /¨C(\\d+)C/.exec(repText))) {\n      var num = m[1];"),
    ("while (/¨(K|G)(\\d+)\\1/.test(grafsOutIt)) {\n      var delim = RegExp.$1,\n          num   = RegExp.$2;",
     "var m; while ((m = /¨(K|G)(\\d+)\\1/.exec(grafsOutIt))) {\n      var delim = m[1], num = m[2];"),
)  # fmt: skip


class LibraryContext(Protocol):
    """What a library needs of a step's context."""

    evaluator: ScriptEvaluator
    timezone: str
    now: float

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function on a thread."""


class LibraryError(Exception):
    """A library raised an error, or hit a limit. The message is the library's."""


@cache
def _source(name: str) -> str:
    """Return a library as an expression. Contexts have no `RegExp.$1`, so showdown's two uses of it are rewritten."""
    if not name:
        return "null"
    text = next(_VENDOR.glob(f"{name}*.js")).read_text(encoding="utf-8")
    if name == "showdown":
        for old, new in _SHOWDOWN_STATICS:
            assert old in text, "showdown changed; its pin and these lines belong together"
            text = text.replace(old, new)
    return (
        "(() => { const module = { exports: {} }, exports = module.exports, console = { error() {}, warn() {} },"
        " process = { env: {} };"
        f" (function () {{ {text}\n}}).call({{}}); return module.exports; }})()"
    )


async def run_library(
    context: LibraryContext,
    library: str,
    body: str,
    values: Sequence[Mapping[str, Any]],
    *,
    seconds: float = 10.0,
    keep_undefined: Callable[[], bool] = lambda: False,
) -> list[Any]:
    """Return the result of `body` for each value, or the LibraryError that it ended in.

    `body` is the body of a JavaScript function of `value`, which sees the library as `lib`, and luxon's `DateTime` and
    `Duration`. `library` is a vendored file without its ending, '' for none. `seconds`: for each 500 values.
    `keep_undefined`: see `runtime.expressions.wire.call`.
    """
    script = Script(source=_wrapped(library, body), variables=("$json",))
    results: list[Any] = []
    for first in range(0, len(values), _VALUES_PER_CALL):
        batch = {"values": list(values[first : first + _VALUES_PER_CALL])}
        snapshot = _snapshot(batch, context.timezone, context.now)
        evaluate = partial(evaluate_snapshot, seconds=seconds, keep_undefined=keep_undefined)
        (outcome,) = await context.on_thread(evaluate, [script], snapshot, 0, context.evaluator)
        if isinstance(outcome, ExpressionError):
            results += [LibraryError(outcome.message)] * len(batch["values"])
        else:
            results += [_result(each) for each in outcome]
    return results


def _result(entry: Mapping[str, Any]) -> Any:
    return LibraryError(entry["error"]) if "error" in entry else entry.get("value", UNDEFINED)


@cache
def _wrapped(library: str, body: str) -> str:
    return (
        f"const lib = {_source(library)}; const {{ DateTime, Duration }} = ___s;"
        f" const work = (value) => {{ {body} }};"
        " return ___s.$json.values.map((value) => { try { return { value: work(value) }; }"
        " catch (error) { return { error: String(error.message) }; } });"
    )


def _snapshot(value: Mapping[str, Any], zone: str, now: float) -> dict[str, Any]:
    return {
        "now": now, "zone": zone, "workflow": {"active": False, "id": "", "name": ""}, "mode": "manual", "vars": {},
        "execution": {"id": "", "mode": "test", "resumeUrl": "", "resumeFormUrl": "", "customData": {}},
        "staticData": {}, "arguments": None, "paged": None, "runIndex": 0, "source": [], "names": [], "nodes": {},
        "step": {"name": "", "id": "", "version": 1, "webhookId": None, "parameters": {}},
        "items": [{"json": dict(value)}], "pairs": {}, "seed": 1,
    }  # fmt: skip
