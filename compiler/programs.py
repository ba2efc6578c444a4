"""The programs of Code nodes: parsed once, for what they read and whether they can run."""

from dataclasses import dataclass

from compiler.expressions.references import references, scan_code
from compiler.expressions.syntax import Refused, parse_program


@dataclass(frozen=True)
class Program:
    """A program in a parameter."""

    source: str
    python: bool
    reads: frozenset[str] | None
    """The nodes whose data it may read; None: any."""
    refused: Refused | None = None
    """Why it does not parse."""


def program(source: str, language: str) -> Program:
    """A program and what can be told about it."""
    if language.startswith("python"):
        return Program(source, True, scan_code(source, language))
    try:
        parsed = parse_program(source)
    except Refused as refused:
        return Program(source, False, None, refused)
    return Program(source, False, references(parsed, parsed.root).nodes)
