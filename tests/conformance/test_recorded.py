"""Every recorded case of ours gives what n8n gave; those that do not are listed with a reason, and the list is exact."""

import json
from pathlib import Path

import pytest

from runtime.catalog import CATALOG
from tests.conformance.known import HERE, PAGE, kinds, known, page
from tests.conformance.suites import read, run_file

pytestmark = pytest.mark.long

PARTS = {"systematic": 16, "cases": 2, "kinds": 4, "reports": 4}
"""Folder -> how many tests share its files."""
UNKNOWN = "n8n-nodes-base.doesNotExist"


def _built(path: Path) -> bool:
    """Whether every node type of a case is built. The compiler tells of those that are not ("unsupported"), so their cases
    are no differences; `python -m tests.conformance` counts them as failed."""
    case = json.loads(path.read_text(encoding="utf-8"))
    exports = [case["workflow"], *case.get("subworkflows", {}).values()]
    types = {node["type"] for export in exports for node in export["nodes"]}
    return all(CATALOG.versions(type_) for type_ in types - {UNKNOWN})


def _files(folder: str) -> list[Path]:
    """The files of a folder whose cases are graded. What `kinds` and `reports` differ in is the catalogue, too."""
    files = sorted((HERE / folder).rglob("*.json"))
    return files if folder in ("kinds", "reports") else [path for path in files if _built(path)]


CASES = {folder: _files(folder) for folder in PARTS}
EXPRESSIONS = sorted((HERE / "expressions").glob("*.json"))


def _check(files: list[Path]) -> None:
    graded = [each for path in files for each in run_file(path) if each.counts]
    wrong = [f"{each.name}: {each.why}" for each in graded if not each.passed and each.name not in known()]
    mended = [each.name for each in graded if each.passed and each.name in known()]
    assert not wrong, "\n".join(
        ["these differ from n8n, see `tempor8 test tests/conformance/FOLDER/NAME.json`:", *wrong]
    )
    assert not mended, "\n".join(["these pass now: remove them from tests/conformance/known.json", *mended])


@pytest.mark.parametrize(("folder", "part"), [(folder, part) for folder, n in PARTS.items() for part in range(n)])
def test_workflow_cases_give_what_n8n_gave(folder: str, part: int) -> None:
    """Status, order, outputs of every node and the response, on the local host."""
    chosen = CASES[folder][part :: PARTS[folder]]
    assert chosen
    _check(chosen)


@pytest.mark.parametrize("path", EXPRESSIONS, ids=lambda path: path.stem)
def test_expressions_give_what_n8n_gave(path: Path) -> None:
    """Values and errors of expressions over a fixed input."""
    _check([path])


def test_every_known_difference_has_a_reason_and_a_case() -> None:
    """A difference without a sentence is a bug; a case that is not there any more is no difference."""
    assert all(each["reason"].endswith(".") and each["cases"] for each in kinds())
    files = [path for listed in CASES.values() for path in listed]
    names = {path.stem for path in files}
    for path in files:
        if isinstance(document := read(path), list):
            names |= {f"{path.stem} {i} {case.get('label', '')}" for i, case in enumerate(document)}
    assert sorted(known().keys() - names) == [], "remove them from tests/conformance/known.json"


def test_the_page_of_differences_lists_the_kinds() -> None:
    """Authors read the list in the docs."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make generate"
