"""Every export in `n8n_exports/` has its plan and its findings on file, and they come out the same on every machine.

After a change that is meant: `python -m tests.golden`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
from tests.shared_folder import shared_path

ROOT = Path(__file__).parents[2]
EXPORTS = sorted((ROOT / "n8n_exports").glob("*.json"))
FOLDER = Path(__file__).parent / "exports"
CORPUS = shared_path("corpus", "exports")
"""Real exports, where they are beside this checkout; our own are enough where they are not."""

SCRIPT = """
import sys
from pathlib import Path
from compiler import compile_export
from runtime.catalog import CATALOG
for name in sys.argv[1:]:
    compilation = compile_export(Path(name).read_bytes(), file=Path(name).name, catalog=CATALOG, lenient=True)
    print(compilation.plan.canonical() if compilation.plan else None)
    print(*(each.to_json() for each in compilation.diagnostics), sep="\\n")
"""


def golden(path: Path) -> dict[str, str]:
    """Return file name -> text of the golden files of an export."""
    compilation = compile_export(path.read_bytes(), file=f"n8n_exports/{path.name}", catalog=CATALOG, lenient=True)
    assert compilation.plan is not None
    plan = json.dumps(json.loads(compilation.plan.canonical()), indent=1, sort_keys=True, ensure_ascii=False)
    rows = [{key: value for key, value in each.to_json().items() if key != "url"} for each in compilation.diagnostics]
    findings = json.dumps({"plan": compilation.plan.id, "findings": rows}, indent=1, ensure_ascii=False)
    return {f"{path.stem}.plan.json": plan + "\n", f"{path.stem}.findings.json": findings + "\n"}


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_an_export_gives_the_plan_and_the_findings_on_file(path: Path) -> None:
    for name, text in golden(path).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "meant? run: python -m tests.golden"


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_an_export_of_ours_is_runnable(path: Path) -> None:
    compilation = compile_export(path.read_bytes(), file=path.name, catalog=CATALOG)
    assert [each.message for each in compilation.diagnostics if each.level == "error"] == []


def under(seed: str, paths: list[Path]) -> str:
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, *map(str, paths)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_plans_and_findings_are_the_same_under_two_hash_seeds() -> None:
    paths = [*EXPORTS, *(sorted(CORPUS.glob("*.json"))[::10] if CORPUS else [])]
    assert under("1", paths) == under("4711", paths)


def shuffled(value: Any, *, ordered: bool = False) -> Any:
    """The same document with its members the other way round; where order has a meaning it stays."""
    if isinstance(value, dict):
        members = list(value.items()) if ordered else list(reversed(value.items()))
        return {
            key: shuffled(each, ordered=ordered or key in ("connections", "parameters", "pinData"))
            for key, each in members
        }
    return [shuffled(each, ordered=ordered) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_the_order_of_members_does_not_change_a_plan(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    first = compile_export(document, file="a.json", catalog=CATALOG, lenient=True).plan
    second = compile_export(shuffled(document), file="b.json", catalog=CATALOG, lenient=True).plan
    assert first is not None
    assert second is not None
    assert first.id == second.id


def update() -> None:
    """Write the golden files again."""
    FOLDER.mkdir(exist_ok=True)
    texts = {name: text for path in EXPORTS for name, text in golden(path).items()}
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for path in FOLDER.glob("*.json"):
        if path.name not in texts:
            path.unlink()
