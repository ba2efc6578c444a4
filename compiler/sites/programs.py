"""Analyze the programs of Code nodes, once each: what they read, and whether they parse."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from compiler.expressions.references import python_variables, references, scan_python
from compiler.expressions.syntax import InvalidCodeError, ParsedCode, parse_program

UNICODE_SPACES: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]")


@dataclass(frozen=True)
class CodeProgram:
    """A program in a parameter of a node, and what it reads."""

    source: str
    python: bool
    reads: frozenset[str] | None
    """The nodes whose data it may read; None: any."""
    variables: frozenset[str] | None = frozenset()
    """n8n's variables (`$vars`, ...) that it may read; None: any."""
    ways: Mapping[str, set[str]] = field(default_factory=dict)
    """How it reads the nodes, as far as that is known; see `schemas.expression.Script`."""
    syntax_error: InvalidCodeError | None = None
    """Why it does not parse."""


def analyze_program(source: str, language: str) -> CodeProgram:
    """Parse a program and return which nodes and variables it reads, or why it does not parse."""
    if language.startswith("python"):
        return CodeProgram(source, True, scan_python(source), python_variables(source))
    try:
        source_tree = _parse(source)
    except InvalidCodeError as error:
        return CodeProgram(source, False, None, None, syntax_error=error)
    reads = references(source_tree, source_tree.root)
    return CodeProgram(source, False, reads.nodes, frozenset(reads.variables), reads.ways)


def _parse(source: str) -> ParsedCode:
    """Return the tree. JavaScript accepts every Unicode space; the parser fails on some of them at the ends of lines."""
    try:
        return parse_program(source)
    except InvalidCodeError:
        plain = UNICODE_SPACES.sub(" ", source)
        if plain == source:
            raise
        return parse_program(plain)
