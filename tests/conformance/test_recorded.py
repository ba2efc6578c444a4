"""Every recorded case of ours gives what n8n gave; the few that do not are listed with a reason, and the list is exact."""

import json
from pathlib import Path

import pytest

from runtime.catalog import CATALOG
from tests.conformance.suites import run_file

HERE = Path(__file__).parent
KNOWN: dict[str, str] = json.loads((HERE / "known.json").read_text(encoding="utf-8"))
"""Case -> why it differs from n8n. `docs/differences-from-n8n.md` shows the same list."""
PARTS = 16
UNKNOWN = "n8n-nodes-base.doesNotExist"


def _built(path: Path) -> bool:
    """Whether every node type of a case is built. The compiler tells of those that are not ("unsupported"), so their cases
    are no differences; `python -m tests.conformance` counts them as failed."""
    case = json.loads(path.read_text(encoding="utf-8"))
    exports = [case["workflow"], *case.get("subworkflows", {}).values()]
    types = {node["type"] for export in exports for node in export["nodes"]}
    return all(CATALOG.versions(type_) for type_ in types - {UNKNOWN})


SYSTEMATIC = [
    path for path in sorted([*(HERE / "systematic").glob("*.json"), *(HERE / "cases").glob("*.json")]) if _built(path)
]
EXPRESSIONS = sorted((HERE / "expressions").glob("*.json"))


def _check(files: list[Path]) -> None:
    graded = [each for path in files for each in run_file(path) if each.counts]
    wrong = [f"{each.name}: {each.why}" for each in graded if not each.passed and each.name not in KNOWN]
    mended = [each.name for each in graded if each.passed and each.name in KNOWN]
    assert not wrong, "\n".join(wrong)
    assert not mended, f"these pass now; take them off tests/conformance/known.json: {mended}"


@pytest.mark.parametrize("part", range(PARTS))
def test_workflow_cases_give_what_n8n_gave(part: int) -> None:
    """Status, order and outputs of every node, on the local host."""
    assert SYSTEMATIC
    _check(SYSTEMATIC[part::PARTS])


@pytest.mark.parametrize("path", EXPRESSIONS, ids=lambda path: path.stem)
def test_expressions_give_what_n8n_gave(path: Path) -> None:
    """Values and errors of expressions over a fixed input."""
    _check([path])


def test_every_known_difference_has_a_reason() -> None:
    """A difference without a sentence is a bug."""
    assert all(reason.strip().endswith(".") for reason in KNOWN.values())
