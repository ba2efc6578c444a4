"""The index of decisions has each of them once."""

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / "docs" / "decisions"
ROW: Final = re.compile(r"^\| \[(\d{4})\]\((\d{4}-[\w-]+\.md)\) \| [^|]+ \| \d{4}-\d\d-\d\d \|$", re.MULTILINE)


def test_each_decision_is_in_the_index_once() -> None:
    rows = ROW.findall((FOLDER / "index.md").read_text(encoding="utf-8"))
    assert sorted(name for _, name in rows) == sorted(each.name for each in FOLDER.glob("[0-9]*.md"))
    assert [number for number, name in rows if not name.startswith(number)] == []


def test_no_two_decisions_have_one_number() -> None:
    numbers = [each.name[:4] for each in FOLDER.glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers))
