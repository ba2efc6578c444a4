"""Programs of Code nodes: syntax errors, and modules and globals that do not exist here."""

import re
from collections.abc import Iterator
from typing import Final

from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.expressions import InvalidCode, NotAvailable

REQUIRE: Final = re.compile(r"\brequire\s*\(\s*['\"]([^'\"]+)['\"]\s*\)")
MODULE_ADVICE: Final = {
    "crypto": "use the Crypto node",
    "luxon": "DateTime, Duration and Interval are available without it",
    "moment": "DateTime (Luxon) is available",
    "jmespath": "$jmespath is available",
    "buffer": "Buffer is available without it",
    "axios": "use HTTP Request",
    "node-fetch": "use HTTP Request",
    "fs": "use Read/Write Files from Disk",
}
GLOBALS: Final = {
    re.compile(r"\bfetch\s*\("): ("fetch", "use HTTP Request, or this.helpers.httpRequest"),
    re.compile(r"\bXMLHttpRequest\b"): ("XMLHttpRequest", "use HTTP Request"),
    re.compile(r"\bprocess\.env\b"): ("process.env", "use a credential or $vars"),
    re.compile(r"\bimport\s*\("): ("import()", ""),
}


def code(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about each program of a Code node."""
    for bound in unit.bound.values():
        if bound.node.disabled:
            continue
        for name, program in bound.programs.items():
            if program.syntax_error is not None:
                at = bound.at.within("parameters", name).after(program.syntax_error.index)
                yield InvalidCode(at=at, parameter=name, reason=program.syntax_error.message)
            elif not program.python:
                yield from _javascript(bound, name, program.source)


def _javascript(bound: BoundNode, name: str, source: str) -> Iterator[Diagnostic]:
    at = bound.at.within("parameters", name)
    for require in REQUIRE.finditer(source):
        module = require[1].removeprefix("node:")
        if not _is_commented_out(source, require.start()):
            advice = MODULE_ADVICE.get(
                module, "n8n does not allow modules in Code nodes either, unless the operator enables them"
            )
            yield NotAvailable(at=at.after(require.start()), parameter=name, what=f"require('{module}')", advice=advice)
    for pattern, (what, advice) in GLOBALS.items():
        match = pattern.search(source)
        if match is not None and not _is_commented_out(source, match.start()):
            yield NotAvailable(at=at.after(match.start()), parameter=name, what=what, advice=advice)


def _is_commented_out(source: str, index: int) -> bool:
    return "//" in source[source.rfind("\n", 0, index) + 1 : index]
