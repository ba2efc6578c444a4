"""What an evaluation leaves behind: nothing that the next one sees, of the same owner or of another."""

from pathlib import Path
from typing import Any, Final

import pytest

from runtime.expressions import evaluate
from runtime.expressions.v8 import evaluator_of
from schemas.expression import Script
from tests.unit.expressions.world import scope

WALK: Final = (
    f"const walk = (NUMBER, REPLACES) => {{{(Path(__file__).parent / 'realm_walker.js').read_text(encoding='utf-8')}}};"
)
REACHED: Final = 8_000
"""Objects that a walk reaches at the least: the walker walks."""


def walk(owner: str, *numbers: int) -> dict[str, Any]:
    """Walk so often in one evaluation of this owner, and return what the last walk found of the others."""
    code = WALK + "".join(f"walk({number}, false);" for number in numbers[:-1]) + f"return walk({numbers[-1]}, true);"
    ((found,),) = evaluate([Script(source=code)], scope(), 1, evaluator_of(owner), seconds=60, final=True)
    assert isinstance(found, dict)
    assert found["objects"] > REACHED
    return found


@pytest.mark.parametrize("owners", [("one", "one"), ("one", "two")], ids=["one owner", "two owners"])
def test_nothing_that_a_walk_marks_is_found_by_the_next(owners: tuple[str, str]) -> None:
    """Marks are properties, overwritten values, members of maps and sets, times of dates, bytes of arrays."""
    for number, owner in enumerate(owners, 1):
        assert walk(owner, number)["found"] == []


def test_the_walker_finds_what_stays() -> None:
    """Within one evaluation the data does."""
    assert "$json keeps a property" in walk("three", 1, 2)["found"]
