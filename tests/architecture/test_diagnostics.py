"""Diagnostics are declared things: code, page, example and meaning belong together.

Each failure names the next step of `docs/adding-a-check.md`.
"""

import re
import string
from pathlib import Path

import pytest

from compiler.report import example
from compiler.report.pages import ARISES, FAMILIES, FIX, WHY, index, page, rules, sections
from schemas.diagnostic import Diagnostic

ROOT = Path(__file__).parents[2]
DECLARATIONS = ROOT / "schemas" / "diagnostic"
PAGES = ROOT / "docs" / "diagnostics"
DIGITS = {
    "reading": 1,
    "graph": 2,
    "nodes": 3,
    "webhooks": 3,
    "expressions": 4,
    "credentials": 5,
    "limits": 6,
    "security": 7,
    "targets": 8,
    "internal": 9,
}
GUIDE = "(see docs/adding-a-check.md)"
each_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)


def family(rule: type[Diagnostic]) -> str:
    return rule.__module__.rpartition(".")[2]


def test_no_code_is_used_twice() -> None:
    codes = [rule.code for rule in rules()]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    assert not twice, f"{twice}: two classes have this code; give the new one the next free number {GUIDE}"


def test_the_families_are_the_files() -> None:
    modules = {each.stem for each in DECLARATIONS.glob("*.py")} - {"__init__", "base"}
    assert modules == set(FAMILIES) == set(DIGITS), (
        "a file of schemas/diagnostic/ is a family: add it to FAMILIES in compiler/report/pages.py and to DIGITS here"
    )


@each_rule
def test_a_code_belongs_to_its_family(rule: type[Diagnostic]) -> None:
    digit = DIGITS[family(rule)]
    assert re.fullmatch(rf"N8T{digit}\d\d", rule.code), (
        f"{rule.__name__} is in schemas/diagnostic/{family(rule)}.py, so its code has the form N8T{digit}nn {GUIDE}"
    )


@each_rule
def test_a_code_says_what_it_means_why_it_matters_and_what_to_do(rule: type[Diagnostic]) -> None:
    said = sections(rule)
    missing = [heading or "a sentence that says what it means" for heading in ("", WHY, FIX) if not said.get(heading)]
    assert not missing, f"the docstring of {rule.__name__} is the page of {rule.code}; add to it: {missing} {GUIDE}"
    unknown = said.keys() - {"", WHY, FIX, ARISES}
    assert not unknown, f"the page of {rule.code} has no section {sorted(unknown)}; use '{WHY}', '{FIX}' or '{ARISES}'"


@each_rule
def test_a_code_has_an_example_or_says_why_it_has_none(rule: type[Diagnostic]) -> None:
    folder = f"compiler/report/examples/{rule.code}"
    if ARISES in sections(rule):
        assert not example.has_example(rule.code), f"{rule.code} has an example: remove '## {ARISES}' or {folder}"
        return
    for name in (example.WRONG, example.RIGHT):
        assert (ROOT / folder / name).is_file(), (
            f"add {folder}/{name}, the smallest export that"
            f" {'yields' if name == example.WRONG else 'has the same purpose and does not yield'} {rule.code} {GUIDE}"
        )
    assert (ROOT / folder / example.FINDING).is_file(), f"{folder}/{example.FINDING} is missing; run: make generate"


@each_rule
def test_a_text_names_only_facts_of_its_class(rule: type[Diagnostic]) -> None:
    facts = set(rule.model_fields) - {"at", "softened"}
    named = {name for text in (rule.text, rule.hint_text) for _, name, _, _ in string.Formatter().parse(text) if name}
    assert named <= facts, f"{rule.__name__}: declare {sorted(named - facts)} as fields, or remove them from its texts"


def test_every_example_is_about_a_code() -> None:
    folders = {each.name for each in example.EXAMPLES.iterdir()}
    unknown = folders - {rule.code for rule in rules()}
    assert not unknown, f"no class has the code {sorted(unknown)}; declare it in schemas/diagnostic/ {GUIDE}"


@each_rule
def test_a_code_has_the_page_that_its_declaration_gives(rule: type[Diagnostic]) -> None:
    path = PAGES / f"{rule.code}.md"
    assert path.is_file(), f"docs/diagnostics/{path.name} is missing; run: make generate"
    assert path.read_text(encoding="utf-8") == page(rule), (
        f"docs/diagnostics/{path.name} is out of date; run: make generate"
    )


def test_the_index_lists_every_code_and_there_is_no_other_page() -> None:
    expected = {"index.md", *(f"{rule.code}.md" for rule in rules())}
    assert {each.name for each in PAGES.glob("*.md")} == expected, (
        "docs/diagnostics/ is out of date; run: make generate"
    )
    assert (PAGES / "index.md").read_text(encoding="utf-8") == index(), "docs/diagnostics/index.md: run: make generate"
