"""The pages about diagnostic codes, `docs/diagnostics/`: made from the declarations."""

import inspect
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from schemas.diagnostic import Diagnostic, declared

FAMILIES: Final = {
    "reading": "1xx: reading a file",
    "graph": "2xx: nodes and connections",
    "nodes": "3xx: node types and parameters",
    "expressions": "4xx: expressions and code",
    "credentials": "5xx: credentials",
    "limits": "6xx: limits of Temporal and of the service",
    "security": "7xx: security",
    "internal": "9xx: mistakes of tempor8",
}


@cache
def rules() -> list[type[Diagnostic]]:
    """Every code of the product, in order."""
    for family in FAMILIES:
        import_module(f"schemas.diagnostic.{family}")
    ours = (each for each in declared() if each.__module__.startswith("schemas.diagnostic."))
    return sorted(ours, key=lambda each: each.code)


def page(rule: type[Diagnostic]) -> str:
    """The page of a code in Markdown."""
    facts = [name for name in rule.model_fields if name not in ("at", "softened")]
    parts = [
        f"# {rule.code}: {rule.__name__}",
        f"Severity: {rule.severity.value}",
        inspect.getdoc(rule) or "",
        f"It reads: `{rule.text}`",
    ]
    if rule.hint_text:
        parts.append(f"Hint: `{rule.hint_text}`")
    if facts:
        parts.append("Facts in JSON: " + ", ".join(f"`{name}`" for name in facts))
    if rule.suppressible:
        parts.append(
            f"To silence it for one node, write into the node's notes: `tempor8: ignore {rule.code} because ...`"
        )
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The table of all codes in Markdown, by family."""
    parts = [
        "# Diagnostics",
        "Every finding of the compiler has a code that never changes its meaning. `tempor8 explain CODE`",
    ]
    parts[-1] += " shows a page; this folder is made from the same declarations by `python -m compiler.report.pages`."
    for family, title in FAMILIES.items():
        listed = [each for each in rules() if each.__module__.endswith(f".{family}")]
        rows = [f"| [{each.code}]({each.code}.md) | {each.severity.value} | {_cell(each)} |" for each in listed]
        parts.append("\n".join([f"## {title}", "", "| code | severity | what |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _cell(rule: type[Diagnostic]) -> str:
    summary = (inspect.getdoc(rule) or "").partition("\n\n")[0].replace("\n", " ")
    return summary.replace("|", "\\|")


def files() -> dict[str, str]:
    """What `docs/diagnostics/` holds: file name -> text."""
    return {"index.md": index()} | {f"{each.code}.md": page(each) for each in rules()}


def _write() -> None:
    folder = Path(__file__).resolve().parents[2] / "docs" / "diagnostics"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
    for each in folder.glob("*.md"):
        if each.name not in files():
            each.unlink()


if __name__ == "__main__":
    _write()
