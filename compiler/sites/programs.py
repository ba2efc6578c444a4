"""The programs of Code nodes: parsed once, for what they read and whether they can run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from compiler.expressions.references import python_variables, references, scan_python
from compiler.expressions.syntax import Refused, Source, parse_program

SPACES: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]")


@dataclass(frozen=True)
class Program:
    """A program in a parameter."""

    source: str
    python: bool
    reads: frozenset[str] | None
    """The nodes whose data it may read; None: any."""
    variables: frozenset[str] | None = frozenset()
    """n8n's variables (`$vars`, ...) that it may read; None: any."""
    ways: Mapping[str, set[str]] = field(default_factory=dict)
    """How it reads them, where that is known; see `schemas.expression.Script`."""
    refused: Refused | None = None
    """Why it does not parse."""


def program(source: str, language: str) -> Program:
    """A program and what can be told about it."""
    if language.startswith("python"):
        return Program(source, True, scan_python(source), python_variables(source))
    try:
        parsed = _parsed(source)
    except Refused as refused:
        return Program(source, False, None, None, refused=refused)
    found = references(parsed, parsed.root)
    return Program(source, False, found.nodes, frozenset(found.variables), found.ways)


def _parsed(source: str) -> Source:
    """The tree. JavaScript takes every Unicode space for one; the parser stumbles over them at the ends of lines."""
    try:
        return parse_program(source)
    except Refused:
        plain = SPACES.sub(" ", source)
        if plain == source:
            raise
        return parse_program(plain)
