"""Decisions have numbers of their own; `test_docs` compares their list with them."""

from pathlib import Path


def test_no_two_decisions_have_one_number() -> None:
    folder = Path(__file__).parents[2] / "docs" / "decisions"
    numbers = [each.name[:4] for each in folder.glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers)) > 0
