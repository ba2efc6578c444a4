"""Hostile text in any parameter of any node keeps no loop: workflow code and activities of all tenants run beside it.

A sample in `make test`; every text in every place in `make fuzz`.
"""

import asyncio
import contextlib
import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

import pytest

from cli.testing.case import run_case
from tests.property.parameter_values import Place, places, with_value
from tests.security.hostile_server import LongestStep

FUZZ: Final = os.environ.get("TEMPOR8_FUZZ") == "1"
SEED: Final = 15
SAMPLE: Final = int(os.environ.get("SAMPLE", "300"))
PARTS: Final = 3
STEP_SECONDS: Final = 1.0
"""Processor time of the loop's thread for one step; the watchdog ends a worker after some more, and a neighbour waits meanwhile."""
SECONDS: Final = 30.0
LENGTH: Final = 40_000
TEXTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "quotes": ("<!DOCTYPE ", '"', ""), "digits": ("", "1", "x"), "zeros": ("", "0", "x"), "spaces": ("", " ", "x"), "line breaks": ("", "\n", "x"),
    "braces": ("", "{{", ""), "backslashes": ("", "\\", ""), "brackets": ("", "[", ""), "parentheses": ("", "(", ""), "tags": ("", "<a>", ""),
    "open tags": ("", "<", ""), "commas": ("", "a,b\n", ""), "escapes": ("", "%ff", ""), "dots": ("", "a.", ""), "wildcards": ("", "%a", "b"),
    "a pattern": ("(a+)+$", "a", "!"), "dates": ("", "2026-01-01T", ""), "lines of iCal": ("", "BEGIN:VEVENT\r\n", ""),
    "fences": ("", "```json\n", ""), "minus signs": ("", "-", ""), "at signs": ("", "a@", ""), "colons": ("", ":", ""),
    "statements": ("", "select 1;", ""), "comments": ("", "/*", ""), "dollars": ("", "$$", ""), "placeholders": ("", "$1,", ""),
    "stars": ("", "*", ""), "paths": ("", "../", ""), "alternatives": ("", "{a,b}", ""), "accents": ("", "e\u0301", ""),
}  # fmt: skip
"""What a text begins with, what it repeats, and how it ends."""

Case = tuple[Place, str]


def _cases() -> list[Case]:
    cases = [(place, name) for place in places() for name in TEXTS]
    return cases if FUZZ else random.Random(SEED).sample(cases, SAMPLE)  # noqa: S311 - which cases, no secret


def expression(name: str) -> str:
    """Return an expression that gives a text: written out, it would be too long for a compiler in a hurry."""
    before, piece, after = (json.dumps(each) for each in TEXTS[name])
    return f"={{{{ {before} + {piece}.repeat({LENGTH // len(TEXTS[name][1])}) + {after} }}}}"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(36_000 if FUZZ else 300)
async def test_no_step_keeps_the_loop(part: int) -> None:
    """Whether it works does not matter here."""
    slow, ended = [], Counter[str]()
    for place, name in _cases()[part::PARTS]:
        with LongestStep() as step, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                ran = await run_case(with_value(place, expression(name)))
                ended[ran["status"]] += 1
        if step.seconds > STEP_SECONDS:
            slow.append(f"{name} in {place}: {step.seconds:.1f} s")
    assert not slow, "\n".join(slow)
    assert ended["success"] + ended["error"] > ended.total() / 3, (
        ended
    )  # the others are refused: no expression may stand there
