"""What another version of n8n does otherwise with a workflow: for those who have to choose between staying and upgrading.

`n8n_3.json` has what n8n 3.0 removes by node type.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic, Severity
from schemas.diagnostic.targets import ChangedInTarget, RemovedInTarget

__all__ = ["N8N_3", "target_changes"]

N8N_3: Final = "n8n-3"
_NAME: Final = "n8n 3.0"
_RUNS: Final = "it keeps running here"
_RUNS_NOT: Final = "it does not run here, either"
_PAIRED_ITEM: Final = re.compile(r"\$getPairedItem\b")


def target_changes(unit: Unit) -> Iterator[Diagnostic]:
    """Yield what changes for each enabled node in the version that the options name; nothing if they name none."""
    if unit.options.target != N8N_3:
        return
    for bound in unit.bound.values():
        if not bound.node.disabled:
            yield from _removed(bound)
            yield from _helpers(bound)
            yield from _changed(bound)


@cache
def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = json.loads(Path(__file__).with_name("n8n_3.json").read_text(encoding="utf-8"))
    return rules


def _removed(bound: BoundNode) -> Iterator[Diagnostic]:
    node = bound.node
    for rule in _rules()["removed"]:
        parameter = rule.get("parameter")
        applies = (
            node.type == rule["type"]
            and node.type_version < rule.get("below", float("inf"))
            and (parameter is None or node.parameters.get(parameter) == rule["value"])
        )
        if applies:
            at = bound.at if parameter is None else bound.at.within("parameters", parameter)
            what, instead = rule["what"].format_map(_Facts(bound)), rule["instead"]
            yield RemovedInTarget(at=at, target=_NAME, what=what, instead=instead, here=_here(bound))


class _Facts(Mapping[str, str]):
    """What the text of a rule may name: the version of the node, and its parameters with their defaults."""

    def __init__(self, bound: BoundNode) -> None:
        self._values = {**bound.parameters, "version": f"{bound.node.type_version:g}"}

    def __getitem__(self, name: str) -> str:
        return str(self._values.get(name, "?"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _helpers(bound: BoundNode) -> Iterator[Diagnostic]:
    for at, text in bound.texts:
        if (match := _PAIRED_ITEM.search(text)) is not None:
            yield RemovedInTarget(
                at=bound.at.within("parameters", *at).after(match.start()),
                target=_NAME,
                what="$getPairedItem",
                instead="use $('<node>').item, which follows the links of items",
                here=_RUNS if text.startswith("=") else _RUNS_NOT,
            )


def _changed(bound: BoundNode) -> Iterator[Diagnostic]:
    if bound.node.always_output_data and (bound.outputs or 1) > 1:
        yield ChangedInTarget(
            at=bound.at.within("alwaysOutputData"),
            target=_NAME,
            change="adds an empty item to an output of a node with several only when all are empty (Always Output Data)",
            instead="turn the setting off, or make what follows take an empty item or none",
            here="here it stays as in n8n 2",
        )
    if bound.programs:
        change = "ends code after 60 seconds where its operator sets nothing else, instead of 300"
        yield _limit(bound, change, "here code has 60 seconds, too")
    for rule in _rules()["limits"]:
        if bound.node.type == rule["type"]:
            yield _limit(bound, rule["change"], _here(bound))


def _limit(bound: BoundNode, change: str, here: str) -> Diagnostic:
    found = ChangedInTarget(
        at=bound.at, target=_NAME, change=change, here=here, instead="nothing, unless the step needs more"
    )
    return found.soften(Severity.INFO)


def _here(bound: BoundNode) -> str:
    return _RUNS_NOT if bound.declared is None or bound.unsupported else _RUNS
