"""Diagnostics are declared things: code, page, case and meaning live together."""

import inspect
import re
import string
from pathlib import Path

import pytest

from compiler.report.pages import FAMILIES, files, rules
from schemas.diagnostic import Diagnostic

ROOT = Path(__file__).parents[2]
DIGITS = {
    "reading": 1,
    "graph": 2,
    "nodes": 3,
    "expressions": 4,
    "credentials": 5,
    "limits": 6,
    "security": 7,
    "internal": 9,
}


def test_no_code_is_used_twice() -> None:
    codes = [rule.code for rule in rules()]
    assert sorted(set(codes)) == codes


def test_the_families_are_the_files() -> None:
    modules = {each.stem for each in (ROOT / "schemas" / "diagnostic").glob("*.py")} - {"__init__", "base"}
    assert modules == set(FAMILIES) == set(DIGITS)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_a_code_belongs_to_its_family_has_a_page_and_a_case(rule: type[Diagnostic]) -> None:
    family = rule.__module__.rpartition(".")[2]
    assert re.fullmatch(rf"N8T{DIGITS[family]}\d\d", rule.code)
    assert inspect.getdoc(rule), "the docstring is the page"
    assert (ROOT / "docs" / "diagnostics" / f"{rule.code}.md").is_file()
    assert (ROOT / "tests" / "golden" / "diagnostics" / f"{rule.code}.json").is_file()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_a_text_names_only_facts_of_its_class(rule: type[Diagnostic]) -> None:
    facts = set(rule.model_fields) - {"at", "softened"}
    named = {name for text in (rule.text, rule.hint_text) for _, name, _, _ in string.Formatter().parse(text) if name}
    assert named <= facts


def test_the_pages_are_what_the_declarations_say() -> None:
    folder = ROOT / "docs" / "diagnostics"
    written = {each.name: each.read_text(encoding="utf-8") for each in folder.glob("*.md")}
    assert written == files(), "run: python -m compiler.report.pages"


def test_every_case_is_about_a_code() -> None:
    cases = {each.stem for each in (ROOT / "tests" / "golden" / "diagnostics").glob("*.json")}
    assert cases == {rule.code for rule in rules()}
