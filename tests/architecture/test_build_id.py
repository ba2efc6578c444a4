"""The build id changes with everything that decides what a run does, and with nothing else."""

import ast
import re
from importlib import metadata
from pathlib import Path

import pytest

from runtime.hosts.temporal import build_id as deployment
from runtime.hosts.temporal.build_id import LIBRARIES, SUFFIXES, build_id

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "runtime", ROOT / "schemas")
EMBEDDED = ROOT / "runtime" / "platform" / "embedded"
"""The servers of the embedded profile run beside the interpreter."""
NOT_READ = {"LICENSE", "PINS", "py.typed", ".LICENSE"}
"""Names and endings of files that no run reads."""


def normal(name: str) -> str:
    """A distribution's name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """The distributions that the interpreter's files import."""
    modules: set[str] = set()
    for path in (each for package in PACKAGES for each in package.rglob("*.py") if EMBEDDED not in each.parents):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    providers = metadata.packages_distributions()
    return {normal(name) for module in modules for name in providers.get(module, ())} - {"tempor8"}


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An interpreter of a few files."""
    runtime, schemas = tmp_path / "runtime", tmp_path / "schemas"
    for folder in (runtime / "agents", schemas / "generated"):
        folder.mkdir(parents=True)
    (runtime / "agents" / "editor.yaml").write_text("role: editor")
    monkeypatch.setattr(deployment, "_ROOTS", (runtime, schemas))
    return runtime, schemas


def fresh() -> str:
    """The id as another process would compute it."""
    return build_id.__wrapped__()


@pytest.mark.parametrize("name", ["editor.yaml", "index.json", "sandbox.js", "tables.sql", "node.py"])
def test_a_file_of_the_interpreter_that_changes_changes_the_build(roots: tuple[Path, Path], name: str) -> None:
    file = roots[0] / "agents" / name
    file.write_text("1")
    before = fresh()
    assert fresh() == before
    file.write_text("2")
    assert fresh() != before


def test_generated_schemas_and_compiled_files_do_not_change_the_build(roots: tuple[Path, Path]) -> None:
    before = fresh()
    (roots[1] / "generated" / "plan.schema.json").write_text("{}")
    (roots[0] / "agents" / "node.cpython-311.pyc").write_bytes(b"1")
    assert fresh() == before


@pytest.mark.parametrize(
    ("library", "counts"), [("mini-racer", True), ("pydantic", True), ("networkx", False), ("litestar", False)]
)
def test_a_library_counts_when_the_interpreter_imports_it(
    monkeypatch: pytest.MonkeyPatch, library: str, counts: bool
) -> None:
    version = deployment._version
    before = fresh()
    monkeypatch.setattr(deployment, "_version", lambda name: "99" if name == library else version(name))
    assert (fresh() != before) is counts


def test_the_list_of_libraries_is_what_the_interpreter_imports() -> None:
    wrong = imported() ^ {normal(each) for each in LIBRARIES}
    assert not wrong, f"correct LIBRARIES in runtime/hosts/temporal/build_id.py: {sorted(imported())}"


def test_every_file_of_the_interpreter_is_hashed_or_known_not_to_be_read() -> None:
    files = [each for package in PACKAGES for each in package.rglob("*") if each.is_file()]
    kinds = {path.suffix or path.name for path in files if "__pycache__" not in path.parts}
    unknown = kinds - SUFFIXES - NOT_READ - {Path(name).suffix for name in NOT_READ if Path(name).suffix}
    assert not unknown, f"add {sorted(unknown)} to SUFFIXES in runtime/hosts/temporal/build_id.py"
