"""Regular expressions that RE2 does not know, on the script evaluator: in a process of their own, with a deadline."""

from collections.abc import Callable
from typing import Any, Final

from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.limits import ScriptLimit
from runtime.expressions.wire import call
from runtime.values.patterns import BadPatternError, Matcher
from schemas.expression import Script

__all__ = ["matcher"]

_SCRIPT: Final = Script(
    source=(
        "const {source,flags,text,replacement}=___s.$json;"
        "try{const p=new ___s.RegExp(source,flags);"
        "return {value:replacement===null?p.test(text):text.replace(p,replacement)}}"
        "catch(e){return {error:e.message}}"
    ),
    quick=None, nodes=(), variables=("$json",), linear=False, pairs=False, ways={}, writes=False,
)  # fmt: skip
_DATA: Final[dict[str, Any]] = {
    "now": 0, "zone": "UTC", "workflow": {}, "execution": {"customData": {}}, "mode": "", "vars": {}, "staticData": {},
    "arguments": None, "paged": None, "step": {}, "runIndex": 0, "source": [], "names": [], "nodes": {}, "pairs": {}, "seed": 0,
}  # fmt: skip
"""The data that a script reads (see `snapshots`), with nothing in it."""


_LEAST_SECONDS: Final = 0.05
"""What a text has when the time of its step is over: most take less, and one that does not ends the step."""


def matcher(evaluator: ScriptEvaluator, seconds: float, *, final: bool, monotonic: Callable[[], float]) -> Matcher:
    """Return what matches on this evaluator, within so many seconds for all texts together: those of one run of a step. Where that
    is not final (see `ScriptEvaluator`), it raises ScriptLimit.

    `monotonic` gives seconds of a clock that only runs forward; where it stands still, as in workflow code, each text has them all.
    """
    left = seconds

    def match(source: str, flags: str, text: str, replacement: str | None) -> Any:
        nonlocal left
        json = {"source": source, "flags": flags, "text": text, "replacement": replacement}
        data = _DATA | {"items": [{"json": json}]}
        began = monotonic()
        try:
            columns, _ = call(evaluator, [_SCRIPT], data, 0, 1, max(left, _LEAST_SECONDS), apart=True, final=final)
        except ScriptLimit as limit:
            if not final:
                raise
            raise BadPatternError(
                f"The regular expression /{source}/{flags} takes too long: {limit.message}"
            ) from limit
        finally:
            left -= monotonic() - began
        answer = columns[0][0]
        if isinstance(answer, Exception):
            raise BadPatternError(str(answer)) from answer
        if "error" in answer:
            raise BadPatternError(answer["error"])
        return answer["value"]

    return match
