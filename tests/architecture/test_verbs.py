"""What documents and messages tell people to type exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import VERBS, Verbs

ROOT = Path(__file__).parents[2]
PLACES = [
    *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"),
    *(each for name in ("api", "cli", "compiler", "runtime", "schemas") for each in (ROOT / name).rglob("*.py")),
]  # fmt: skip
TYPED = re.compile(r"(?:`|\$ |[:;] )tempor8 ([a-z]+)|^tempor8 ([a-z]+)", re.MULTILINE)


@pytest.mark.parametrize("path", PLACES, ids=[str(each.relative_to(ROOT)) for each in PLACES])
def test_every_verb_that_is_named_exists(path: Path) -> None:
    found = {first or second for first, second in TYPED.findall(path.read_text(encoding="utf-8"))}
    assert found - PROSE <= VERBS.keys(), found - VERBS.keys()


def leaves(command: Any, *path: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each verb that has no verbs of its own, with the options that it takes."""
    for name, each in getattr(command, "commands", {}).items():
        yield from leaves(each, *path, name)
    if not hasattr(command, "commands"):
        yield " ".join(path), {option for parameter in command.params for option in parameter.opts}


SILENT = {
    "dev", "demo", "worker", "serve", "agents serve",  # they run until they are stopped
    "workers build", "tables rows", "fmt", "agents new", "integrations new", "schemas", "tenants export",  # what they give is no list
    "workers promote", "migrate", "keys rotate", "keys rewrap",  # they do something and say that it is done
    "tenants revoke", "tenants delete", "tenants allow", "variables set", "variables delete", "tables delete",
    "credentials set", "credentials import", "credentials allow", "credentials connect", "credentials test", "credentials delete",
    "integrations show", "integrations check",  # for whoever works on a vendor's folder
}  # fmt: skip
"""Verbs without an answer for programs beyond their exit code."""


def test_every_verb_that_answers_does_so_in_json_too() -> None:
    root = Verbs(name="tempor8")
    every = dict(each for name in VERBS for each in leaves(root.get_command(None, name), name))
    without = {name for name, options in every.items() if not options & {"--json", "--format"}}
    assert without == SILENT


PROSE = {"always", "compiles", "knows"}
"""Words that follow the name of the product at the beginning of a line."""


def test_verbs_are_found_where_they_are_named() -> None:
    assert {"credentials", "migrate", "tenants"} <= {
        first or second for path in PLACES for first, second in TYPED.findall(path.read_text(encoding="utf-8"))
    }
