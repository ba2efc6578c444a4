"""Everything that workflow code hands out passes the border: it is measured, and a failure's message is short."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

FOLDER = Path(__file__).parents[2] / "runtime" / "hosts" / "temporal"
WORKFLOW_CODE: Final = (
    "children.py",
    "host.py",
    "local_activities.py",
    "queries.py",
    "replay_gate.py",
    "turns.py",
    "workflow.py",
)
HAND_OUT: Final = frozenset(
    {"continue_as_new", "execute_activity", "execute_child_workflow", "execute_local_activity", "start_activity",
     "start_child_workflow", "start_local_activity"}
)  # fmt: skip
"""Functions of `temporalio.workflow` that hand out payloads."""
BORDER: Final = frozenset({"_payloads", "answer", "inline", "measured", "raw", "result_bytes"})
"""What measures, or makes a payload of what was measured."""
SMALL: Final[dict[tuple[str, str], str]] = {
    ("local_activities.py", "run"): "payloads of its callers",
    ("host.py", "_continue"): "what its callers have measured",
}
"""File and function -> why what it hands out needs no measure."""


def _functions(file: str, source: str | None = None) -> Iterator[tuple[str, ast.AST]]:
    tree = ast.parse(source if source is not None else (FOLDER / file).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _of_workflow(node: ast.Call) -> bool:
    return _called(node) in HAND_OUT and ast.unparse(node.func).startswith("workflow.")


def _measured(node: ast.AST, within: ast.AST) -> bool:
    """Return whether an argument comes from the border, here or where its name is assigned."""
    if isinstance(node, ast.List | ast.Tuple):
        return all(_measured(each, within) for each in node.elts)
    if isinstance(node, ast.Name):
        assigned = [each for each in ast.walk(within) if isinstance(each, ast.Assign) and node.id in _targets(each)]
        return bool(assigned) and all(_calls_border(each.value) for each in assigned)
    return _called(node) in BORDER


def _targets(node: ast.Assign) -> set[str]:
    return {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _calls_border(node: ast.AST) -> bool:
    return any(_called(each) in BORDER for each in ast.walk(node))


def _arguments(call: ast.Call) -> list[ast.expr]:
    """Return what a call hands out: positional arguments but the name of an activity or workflow, and `args`."""
    skip = 0 if _called(call) == "continue_as_new" else 1
    return [*call.args[skip:], *(each.value for each in call.keywords if each.arg in ("arg", "args"))]


def _faults(file: str, source: str | None = None) -> list[str]:
    found = []
    for name, function in _functions(file, source):
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            if _of_workflow(node) and (file, name) not in SMALL:
                found += [
                    f"{file}: {name}: {ast.unparse(each)}" for each in _arguments(node) if not _measured(each, function)
                ]
            if _called(node) == "ApplicationError" and not _is_short(node.args[0]):
                found.append(f"{file}: {name}: the message {ast.unparse(node.args[0])}")
    return found


def _is_short(message: ast.expr) -> bool:
    return isinstance(message, ast.Constant | ast.JoinedStr) or _called(message) == "failure_message"


@pytest.mark.parametrize("file", WORKFLOW_CODE)
def test_what_is_handed_out_is_measured(file: str) -> None:
    """Inputs of activities, local ones, children and of the run that continues; messages of failures."""
    assert _faults(file) == []


def test_every_file_of_workflow_code_is_looked_at() -> None:
    """One that hands something out and is not in the list would pass unseen."""
    others = [path.name for path in FOLDER.glob("*.py") if path.name not in WORKFLOW_CODE]
    assert [
        name for name in others if any(f"workflow.{each}(" in (FOLDER / name).read_text("utf-8") for each in HAND_OUT)
    ] == []


def test_every_exception_is_still_needed() -> None:
    """A function that is gone leaves the table."""
    assert {key for key in SMALL if key[1] in dict(_functions(key[0]))} == set(SMALL)


SLIPS: Final = {
    "a plain input": "async def f(self):\n await workflow.execute_activity(NAME, task)",
    "plain inputs by keyword": "async def f(self):\n await workflow.execute_local_activity(NAME, args=[task])",
    "a plain state": "def f(self):\n workflow.continue_as_new(args=[state])",
    "a message of any length": "def f(self):\n raise ApplicationError(error.message)",
}


@pytest.mark.parametrize("source", SLIPS.values(), ids=SLIPS)
def test_a_slip_is_found(source: str) -> None:
    """The walk sees what it is for."""
    assert _faults("host.py", source)


def test_queries_answer_through_their_module() -> None:
    """A handler that returned a plain value would let the SDK store it."""
    for name, function in _functions("workflow.py"):
        decorators = [ast.unparse(each) for each in getattr(function, "decorator_list", ())]
        if any(each.startswith("workflow.query") for each in decorators):
            assert ast.unparse(function.returns or ast.Constant(None)) == "RawValue", name  # type: ignore[attr-defined]
