"""Recorded cases agree beyond what decides: pairings, files, and the words of errors (message, node, description)."""

import json
import re
from collections.abc import Collection, Mapping
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
COMPOSED: Final = "Made of single recordings: the Code nodes between them are ours, and so are their pairings."
OTHER_WORDS: Final = {
    **dict.fromkeys(("A-retry-fn-12", "A-retry-fn-2", "A-retry-fn-3", "A-retry-fn-6"), FUNCTION),
    **dict.fromkeys(("B-function-10", "B-function-7", "B-functionItem-6"), FUNCTION),
    "B-itemLists2.1-sort-2": UNSTABLE,
    "B-cond-regex-4": "n8n says nothing of a pattern that cannot be read; here the message is JavaScript's.",
    "B-sub-error": "An error inside a sub-workflow names the node of this workflow that called it.",
    "evaluation_trigger": "There is no evaluation here: the node says which trigger to start instead.",
    "unknown-choice-wait": OFFLINE,
}
"""Case -> why its words differ."""
OTHER_PAIRINGS: Final = {
    **dict.fromkeys(("data-table", "remove-duplicates-seen"), COMPOSED),
    **dict.fromkeys(("B-itemLists2.1-sort-2", "B-itemLists3.1-removeDuplicates-2"), UNSTABLE),
}
"""Case -> why its pairings differ."""


def _differing(part: int, wanted: str, levels: Collection[str]) -> dict[str, dict[str, str]]:
    """Return name -> level -> where it differs, for the cases of a part with the pattern `wanted`, and {} for those that agree."""
    files = sorted(path for folder in ("cases", "systematic") for path in (HERE / folder).glob("*.json"))
    found: dict[str, dict[str, str]] = {}
    for path in [path for path in files if re.search(wanted, path.read_text(encoding="utf-8"))][part::PARTS]:
        case: Any = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(case, dict) and "expected" in case:
            graded = grade(case, wait_for(run_case(case)))
            found[path.stem] = {level: why for level, why in graded.levels.items() if level in levels}
    return found


def _check(found: Mapping[str, Mapping[str, str]], known: Mapping[str, str]) -> None:
    """Those that differ are listed with a reason, and the list is exact."""
    assert {name: where for name, where in found.items() if where and name not in known} == {}
    assert {name for name, where in found.items() if not where and name in known} == set(), "remove them from the list"


@pytest.mark.parametrize("part", range(PARTS))
def test_errors_have_the_words_of_n8n(part: int) -> None:
    """Of the run, and of each node."""
    _check(_differing(part, '"message"', MESSAGES), OTHER_WORDS)


@pytest.mark.parametrize("part", range(PARTS))
def test_files_are_those_of_n8n(part: int) -> None:
    """What they hold, and their names and types, in the cases that were recorded with them."""
    _check(_differing(part, r'"binary":\s*\[', ("binary",)), {})


@pytest.mark.parametrize("part", range(PARTS))
def test_items_are_paired_as_in_n8n(part: int) -> None:
    """Each item of each run: `$('X').item` rests on it."""
    _check(_differing(part, '"pairedItem"', ("pairedItem",)), OTHER_PAIRINGS)
