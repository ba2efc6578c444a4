"""What documents and messages tell people to type exists."""

import re
from pathlib import Path

import pytest

from cli.main import VERBS

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


PROSE = {"always", "compiles", "knows"}
"""Words that follow the name of the product at the beginning of a line."""


def test_verbs_are_found_where_they_are_named() -> None:
    assert {"credentials", "migrate", "tenants"} <= {
        first or second for path in PLACES for first, second in TYPED.findall(path.read_text(encoding="utf-8"))
    }
