"""The differences from n8n that are known: `known.json`, which may only shrink.

`python -m tests.conformance.known` writes them into `docs/differences-from-n8n.md`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

__all__ = ["FOLDERS", "HERE", "kinds", "known", "page"]

HERE: Final = Path(__file__).parent
FOLDERS: Final = ("systematic", "cases", "kinds", "reports", "expressions", "wire_http", "vendors", "triggers")
"""Folders with cases of our own."""
PAGE: Final = HERE.parents[1] / "docs" / "differences-from-n8n.md"
HEAD: Final = "| kind | what differs |\n|---|---|\n"


@cache
def kinds() -> tuple[dict[str, Any], ...]:
    """Return the entries of `known.json`: {"kind", "reason", "cases": [name]}, sorted by kind."""
    return tuple(json.loads((HERE / "known.json").read_text(encoding="utf-8")))


@cache
def known() -> dict[str, str]:
    """Return case -> the kind and why it differs from n8n."""
    return {case: f"{each['kind']}: {each['reason']}" for each in kinds() for case in each["cases"]}


def page() -> str:
    """Return the text of `docs/differences-from-n8n.md` with the table of kinds at its end."""
    before = PAGE.read_text(encoding="utf-8").partition(HEAD)[0]
    rows = (f"| `{each['kind']}` | {each['reason'].replace('|', chr(92) + '|')} |\n" for each in kinds())
    return before + HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
