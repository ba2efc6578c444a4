"""A capability is one Protocol, one implementation and one fake, in files of its name; nothing of it is written twice."""

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from runtime.catalog import CATALOG
from runtime.contract import NodeError
from runtime.contract.capabilities import Capabilities
from runtime.interpreter.capabilities import ALLOWED, NAMES, refuse
from schemas.plan import Kind

ROOT = Path(__file__).parents[2]
PROTOCOLS = "runtime.contract.capabilities"
IMPLEMENTATIONS = "runtime.hosts.temporal.capabilities"
FAKES = "runtime.hosts.local.capabilities"
GUIDE = "docs/adding-a-capability.md says what a capability needs"


def modules(package: str) -> set[str]:
    """Names of the files of a package."""
    return {path.stem for path in ROOT.joinpath(*package.split(".")).glob("*.py")} - {"__init__"}


def module(package: str, name: str) -> ModuleType:
    """A file of a package, imported."""
    return importlib.import_module(f"{package}.{name}")


def protocol(name: str) -> type:
    """The Protocol of a capability: a file `data_store.py` declares `DataStore`."""
    declared: type = getattr(module(PROTOCOLS, name), name.title().replace("_", ""))
    return declared


def public(cls: type) -> dict[str, Any]:
    """The public methods and properties that the class itself defines."""
    return {name: each for name, each in vars(cls).items() if not name.startswith("_") and _is_method(each)}


def _is_method(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, property)


def signature(method: Any) -> list[Any]:
    """Parameters with kinds, defaults and types, and the type of the result; `await`ed or not."""
    function: Any = method.fget if isinstance(method, property) else method
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    shape: list[Any] = [(each.name, each.kind, each.default, hints.get(each.name)) for each in parameters]
    return [isinstance(method, property), inspect.iscoroutinefunction(function), *shape, hints.get("return")]


@pytest.mark.parametrize("package", [PROTOCOLS, IMPLEMENTATIONS, FAKES])
def test_each_capability_has_one_file_in_each_of_three_folders(package: str) -> None:
    assert modules(package) == NAMES, f"{package}: {GUIDE}"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_attribute_of_a_capability_has_the_type_that_its_file_declares(name: str) -> None:
    attribute = vars(Capabilities)[name]
    assert get_type_hints(attribute.fget)["return"] is protocol(name), GUIDE


@pytest.mark.parametrize("package", [IMPLEMENTATIONS, FAKES])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_implementation_has_the_methods_of_its_protocol_and_no_others(name: str, package: str) -> None:
    """`provide` names the class that it returns; a method that is not written there would be the Protocol's empty one."""
    cls = get_type_hints(module(package, name).provide)["return"]
    declared, implemented = public(protocol(name)), public(cls)
    assert implemented.keys() == declared.keys(), f"{cls.__module__}.{cls.__name__}"
    for method in declared:
        assert signature(implemented[method]) == signature(declared[method]), f"{cls.__name__}.{method}"


Methods = dict[str, tuple[str, ...]]
"""Public methods of a class -> names of their parameters."""


def classes_below(folder: Path) -> Iterator[tuple[str, Methods]]:
    """Every class of the files below a folder as `file: class`, with its methods."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                functions = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                yield (
                    f"{path.relative_to(ROOT).as_posix()}: {node.name}",
                    {each.name: _parameters(each) for each in functions if not each.name.startswith("_")},
                )


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    return tuple(each.arg for each in (*function.args.args, *function.args.kwonlyargs))


def test_no_other_class_of_the_runtime_repeats_the_methods_of_a_capability() -> None:
    """What wraps a capability has it as an attribute, and does not write its methods again."""
    written = dict(classes_below(ROOT / "runtime"))
    repeated = []
    for name in sorted(NAMES):
        methods = written[f"runtime/contract/capabilities/{name}.py: {protocol(name).__name__}"]
        repeated += [
            place
            for place, others in written.items()
            if methods.items() <= others.items() and f"/capabilities/{name}.py" not in place
        ]
    assert repeated == ["runtime/platform/storage/files.py: TenantFiles"], "both hosts provide that class itself"


def test_no_other_class_of_the_runtime_has_a_method_per_capability() -> None:
    """One class with the methods of all capabilities is what these files replace."""
    several = [place for place, methods in classes_below(ROOT / "runtime") if len(methods.keys() & NAMES) > 2]
    assert several == ["runtime/contract/capabilities/__init__.py: Capabilities"]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_step_has_what_its_kind_is_allowed_and_is_refused_the_rest_with_a_remedy(kind: Kind) -> None:
    for name in NAMES:
        if name in ALLOWED.get(kind, frozenset()):
            refuse(kind, name, "Tested")
            continue
        with pytest.raises(NodeError) as refused:
            refuse(kind, name, "Tested")
        assert f"'{name}'" in refused.value.message
        assert f"'{kind}'" in refused.value.message
        assert "Tested" in (refused.value.description or "")
        assert "ALLOWED" in (refused.value.description or "")


def test_pure_kinds_do_not_reach_the_network() -> None:
    assert ALLOWED.keys() == {Kind.LOCAL, Kind.ACTIVITY, Kind.DURABLE, Kind.SUBNODE}
    assert not ALLOWED[Kind.LOCAL] & {"http", "mail", "models", "files", "chat_memory", "data_store"}


LOCAL_TYPES = sorted(
    type_ for type_ in CATALOG.types() if any(each.kind is Kind.LOCAL for each in CATALOG.shapes(type_))
)


@pytest.mark.parametrize("type_", LOCAL_TYPES)
def test_a_local_activity_asks_for_no_capability_that_its_kind_lacks(type_: str) -> None:
    for cls in CATALOG.shapes(type_):
        if cls.kind is Kind.LOCAL:
            tree = ast.parse(inspect.getsource(sys.modules[cls.__module__]))
            used = {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "context"
            }
            assert used & NAMES <= ALLOWED[Kind.LOCAL], (
                f"{cls.__name__}: see ALLOWED in runtime/interpreter/capabilities.py"
            )


def test_a_worker_loads_a_capability_when_a_task_first_uses_it() -> None:
    names = sorted(f"{package}.{name}" for package in (IMPLEMENTATIONS, FAKES) for name in NAMES)
    program = (
        "import sys, runtime.hosts.temporal.worker, runtime.hosts.local.offline\n"
        f"print([name for name in {[*names, 'aiosmtplib', 'imaplib']} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "[]"
