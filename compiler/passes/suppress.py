"""Drop findings that the author has suppressed: by `--ignore`, or by a sentence in the notes of a node.

`tempor8: ignore N8T312 because the API deduplicates` in the notes of a node (several codes with commas between them).
The reason is for the next reader.
"""

import re
from typing import Final

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import UnusedSuppression

NOTE: Final = re.compile(r"tempor8:\s*ignore\s+(N8T\d+(?:\s*,\s*N8T\d+)*)(?:\s+because\s+(\S.*))?", re.IGNORECASE)


def suppress(unit: Unit) -> None:
    """Drop findings from `unit.diagnostics`. Findings that make a plan impossible cannot be suppressed."""
    requested = {name: codes for name, each in unit.bound.items() if (codes := _suppressed_codes(each.node.notes))}
    used: set[tuple[str, str]] = set()
    remaining: list[Diagnostic] = []
    for each in unit.diagnostics:
        node = each.at.node
        if not each.suppressible:
            remaining.append(each)
        elif node in requested and each.code in requested[node]:
            used.add((node, each.code))
        elif not each.code.startswith(unit.options.ignore or "-"):
            remaining.append(each)
    unit.diagnostics[:] = remaining
    for name, codes in requested.items():
        for code in sorted(codes - {code for node, code in used if node == name}):
            unit.report(UnusedSuppression(at=unit.at_node(name).within("notes"), suppressed=code))


def _suppressed_codes(notes: str) -> set[str]:
    return {code.strip().upper() for match in NOTE.finditer(notes) for code in match[1].split(",")}
