"""Read the limit on concurrent runs: `settings.tempor8.concurrency` of an export."""

from collections.abc import Mapping
from typing import Any, Final

from compiler.expressions import compile_expression
from schemas.expression import Path
from schemas.plan import Concurrency

__all__ = ["BadConcurrencyError", "read_concurrency"]

MAX_CONCURRENT_RUNS: Final = 10_000
"""The highest limit that an author may set."""


class BadConcurrencyError(Exception):
    """The setting is not valid. The message says why."""


def read_concurrency(settings: Mapping[str, Any]) -> Concurrency | None:
    """Return the limit on concurrent runs in an export's settings; None if there is none.

    Raises:
        BadConcurrencyError: the setting is not valid.
    """
    own = settings.get("tempor8")
    if not isinstance(own, Mapping) or (value := own.get("concurrency")) is None:
        return None
    if not isinstance(value, Mapping):
        raise BadConcurrencyError("it is not an object")
    limit, key = value.get("limit"), value.get("key")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_CONCURRENT_RUNS:
        raise BadConcurrencyError(f"the limit {limit!r} is not a whole number from 1 to {MAX_CONCURRENT_RUNS:,}")
    if own.get("durability") == "transient":
        raise BadConcurrencyError("a limit does not apply to runs of a transient workflow")
    return Concurrency(limit=limit, key=None if key is None else _read_key(key))


def _read_key(text: Any) -> Path:
    expression = compile_expression(text).expression if isinstance(text, str) and text.startswith("=") else None
    if not isinstance(expression, Path) or expression.root != "$json":
        raise BadConcurrencyError(f"the key {text!r} is not a path into $json, such as ={{{{ $json.body.customer }}}}")
    return expression
