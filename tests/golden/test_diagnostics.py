"""Each code has an example, two exports in `compiler/report/examples/<code>/`: `wrong.json` yields it, `right.json` does not.

After a change of a text that is meant: `make generate`, which writes `finding.txt` and the pages again.
"""

from functools import cache

import pytest

from compiler import Compilation, compile_export, pipeline
from compiler.report import example
from compiler.report.pages import ARISES, rules, sections
from compiler.report.text import findings
from compiler.source.source import Lines
from runtime.catalog import CATALOG
from schemas.diagnostic import Diagnostic, Severity

CODES = [rule.code for rule in rules() if ARISES not in sections(rule)]
"""Codes that an export can yield."""
KNOWN_WORKFLOWS = frozenset({"invoices"})
"""Ids of the workflows that the examples may call."""
WITHOUT_LINE = {"N8T103", "N8T106"}
"""Codes about a file of which no text was read."""
MAX_LINE_CHARACTERS = 300
"""Characters. Only a message that repeats the name of N8T603 is longer."""
OTHER_FINDINGS = {"N8T705": {"N8T301"}}
"""Errors and warnings of a right example that are not its subject: this build has no Postgres node."""


@cache
def compiled(code: str, name: str = example.WRONG) -> Compilation:
    """Compile an example."""
    path = example.EXAMPLES / code / name
    assert path.is_file(), f"add {path} (docs/adding-a-check.md, step 4)"
    return compile_export(example.source(code, name), file=name, catalog=CATALOG, known=KNOWN_WORKFLOWS)


def first(code: str) -> Diagnostic:
    """The finding that an example is about."""
    diagnostics = compiled(code).diagnostics
    matching = [each for each in diagnostics if each.code == code]
    assert matching, (
        f"{example.EXAMPLES / code / example.WRONG} yields {[each.code for each in diagnostics]}, but not {code}."
        " Either the example does not show the fault, or the check is missing from CHECKS in compiler/checks/__init__.py."
    )
    return matching[0]


def printed(code: str) -> str:
    """What `tempor8 check wrong.json` prints about the finding, with very long lines cut."""
    finding = first(code)
    text = example.source(code, example.WRONG).decode(errors="replace").removeprefix(example.BYTE_ORDER_MARK)
    lines = (
        line if len(line) <= MAX_LINE_CHARACTERS else f"{line[:MAX_LINE_CHARACTERS]} ..."
        for line in findings([finding], Lines(text))
    )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_yields_its_code_with_a_message_and_a_place(code: str) -> None:
    finding = first(code)
    assert finding.message
    assert (finding.at.line is None) == (code in WITHOUT_LINE)


@pytest.mark.parametrize("code", CODES)
def test_the_right_example_yields_neither_its_code_nor_an_error_or_warning(code: str) -> None:
    diagnostics = compiled(code, example.RIGHT).diagnostics
    assert code not in {each.code for each in diagnostics}, (
        f"{example.EXAMPLES / code / example.RIGHT} still yields {code}"
    )
    assert {each.code for each in diagnostics if each.level is not Severity.INFO} <= OTHER_FINDINGS.get(code, set())


@pytest.mark.parametrize("code", CODES)
def test_the_finding_is_the_one_on_file(code: str) -> None:
    path = example.EXAMPLES / code / example.FINDING
    on_file = path.read_text(encoding="utf-8") if path.is_file() else ""
    assert printed(code) == on_file, f"{path} is missing or out of date; if the change is meant, run: make generate"


def test_a_pass_that_fails_is_reported_as_a_fault_of_tempor8(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(unit: object) -> None:
        raise RuntimeError(f"cannot do {type(unit).__name__}")

    monkeypatch.setattr(pipeline, "PASSES", (broken,))
    (finding,) = compile_export("{}", file="x.json", catalog=CATALOG).diagnostics
    assert finding.code == "N8T901"
    assert finding.message == "the compiler failed in the pass 'broken': RuntimeError: cannot do Unit"


def update() -> None:
    """Write `finding.txt` of every example again."""
    for code in CODES:
        (example.EXAMPLES / code / example.FINDING).write_text(printed(code), encoding="utf-8")
