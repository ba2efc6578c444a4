"""The errors of recorded cases have n8n's words, too: message, node and description, of the run and of each node."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from cli.testing.case import run_case
from cli.testing.loop import wait_for
from tests.conformance.fresh.grade import MESSAGES, grade
from tests.conformance.known import HERE

PARTS: Final = 4
"""How many tests share the cases."""
FUNCTION: Final = "n8n's own reader of stacks fails on errors of function nodes; here they keep their own words."
OFFLINE: Final = "A local run has neither credentials nor callers, and says so."
UNSTABLE: Final = "n8n finds a field or a `return` by what it sorted or read before; here each run is the same."
OTHER_WORDS: Final = {
    **dict.fromkeys(("A-retry-fn-12", "A-retry-fn-2", "A-retry-fn-3", "A-retry-fn-6"), FUNCTION),
    **dict.fromkeys(("B-function-10", "B-function-7", "B-functionItem-6"), FUNCTION),
    **dict.fromkeys(("B-itemLists2.1-sort-2", "B-itemLists3.1-removeDuplicates"), UNSTABLE),
    "B-cond-regex-4": "n8n says nothing of a pattern that cannot be read; here the message is JavaScript's.",
    "B-sub-error": "An error inside a sub-workflow names the node of this workflow that called it.",
    "evaluation_trigger": "There is no evaluation here: the node says which trigger to start instead.",
    "unknown-choice-wait": OFFLINE,
}
"""Case -> why its words differ."""


def _failing() -> list[Path]:
    """Return the cases in which n8n has an error."""
    files = sorted(path for folder in ("cases", "systematic") for path in (HERE / folder).glob("*.json"))
    return [path for path in files if '"message"' in path.read_text(encoding="utf-8")]


def _words(path: Path) -> dict[str, str]:
    """Return where the words differ: level -> what n8n says, and what is said here."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "error" not in case.get("expected", {}):  # of many cases
        return {}
    graded = grade(case, wait_for(run_case(case)))
    return {level: why for level, why in graded.levels.items() if level in MESSAGES}


@pytest.mark.parametrize("part", range(PARTS))
def test_errors_have_the_words_of_n8n(part: int) -> None:
    """Those that differ are listed with a reason, and the list is exact."""
    differing = {path.stem: words for path in _failing()[part::PARTS] if (words := _words(path))}
    wrong = {name: words for name, words in differing.items() if name not in OTHER_WORDS}
    assert wrong == {}
    listed = {path.stem for path in _failing()[part::PARTS]} & OTHER_WORDS.keys()
    assert listed - differing.keys() == set(), "these have n8n's words now: remove them from OTHER_WORDS"
