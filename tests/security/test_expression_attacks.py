"""Hundreds of hostile expressions: each is refused, or ends as an error, as nothing or as a harmless value, and nothing stays."""

import json
import math
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from compiler.expressions import compile_expression
from runtime.expressions import ScriptLimit, evaluate
from runtime.expressions.scope import ExpressionError
from schemas.expression import Expression, Invalid
from schemas.item import UNDEFINED
from tests.unit.expressions.world import run_scripts, scope

FOLDER: Final = Path(__file__).parent
ITEM: Final[dict[str, Any]] = {"ok": True, "key": "constructor", "keys": ["constructor"]}
LARGE: Final[dict[str, Any]] = {"big": "x" * 100_000, "list": list(range(4000))}
"""For the expressions that put the one into each element of the other."""
LIMITED: Final = frozenset({"bomb", "buffer", "regex"})
"""Kinds of which it may be time, memory or an error of the language that ends them."""
STOP_SECONDS: Final = 0.5
SECONDS: Final = 30.0


def attacks() -> dict[str, list[tuple[str, str]]]:
    """Return what comes and the expression, by kind."""
    kinds: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in (FOLDER / "expression_attacks.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        kind, comes, text = line.split("\t")
        kinds[kind].append((comes, text))
    return kinds


ATTACKS: Final = attacks()


def compiled(text: str) -> Expression:
    """Return it, refused or not."""
    return compile_expression(f"={{{{ {text} }}}}").expression


def outcome(text: str, seconds: float) -> str:
    """Return what comes, as the table has it."""
    expression = compiled(text)
    if isinstance(expression, Invalid):
        return "refused"
    item = ITEM | LARGE if "$json.big" in text else ITEM
    try:
        value = evaluate([expression], scope([item]), 1, run_scripts, seconds=seconds)[0][0]
    except ScriptLimit:
        return "stopped"
    if isinstance(value, ExpressionError):
        return "error"
    return "nothing" if value is UNDEFINED else json.dumps(value, ensure_ascii=False, default=str)


@cache
def probe() -> Expression:
    """Return an expression that looks wherever the attacks wrote."""
    return compiled((FOLDER / "expression_probe.js").read_text(encoding="utf-8").strip())


def look() -> Any:
    """Return what the probe sees."""
    (seen,) = evaluate([probe()], scope([{"ok": True}]), 1, run_scripts, seconds=SECONDS, final=True)[0]
    assert isinstance(seen, list)
    return seen


CLEAN: Final[dict[int, Any]] = {0: None, 3: 2, 7: "undefined", 8: True, 42: 540, 52: 48, 53: 365.2425}
"""Some of what it sees, by place."""


def test_the_probe_sees_a_clean_world() -> None:
    seen = look()
    assert {i: seen[i] for i in CLEAN} == CLEAN
    assert not any(isinstance(each, float) and math.isnan(each) for each in seen)


def test_there_are_many() -> None:
    assert sum(map(len, ATTACKS.values())) >= 700
    assert len({text for each in ATTACKS.values() for _, text in each}) == sum(map(len, ATTACKS.values()))


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_ends_as_the_table_says_and_leaves_no_trace(kind: str) -> None:
    """The probe looks after each; the harmless values have been read one by one."""
    clean = look()
    for comes, text in ATTACKS[kind]:
        got = outcome(text, STOP_SECONDS if comes == "stopped" else SECONDS)
        expected = {"stopped", "nothing", "error"} if kind in LIMITED and comes in ("stopped", "nothing") else {comes}
        assert got in expected, text
        assert look() == clean, text
