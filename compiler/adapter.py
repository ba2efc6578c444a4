"""The seam to `compiler.expressions`, until all of it is there."""

from typing import Any

from compiler import expressions
from schemas.expression import Expression, Invalid, Literal


def compile_expression(text: str) -> Expression:
    """An expression string, its leading `=` included."""
    made: Any = getattr(expressions, "compile_expression", None)
    if made is not None:
        return made(text).expression  # type: ignore[no-any-return]
    return Literal(value=text[1:]) if "{{" not in text else Invalid(message="expressions are not compiled yet")


def compile_resolvables(text: str, mode: str) -> Expression:
    """A text whose `{{ }}` are evaluated without a leading `=`."""
    made: Any = getattr(expressions, "compile_resolvables", None)
    return made(text, mode).expression if made is not None else Literal(value=text)


def scan_code(source: str, language: str) -> frozenset[str] | None:
    """The nodes that a program may read; None: any."""
    made: Any = getattr(expressions, "scan_code", None)
    return made(source, language) if made is not None else None
