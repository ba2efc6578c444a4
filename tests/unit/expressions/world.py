"""A small workflow with its run data, for tests of expressions: Start -> Src -> Br (true, false) -> E."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from compiler.expressions import compile_expression
from runtime.expressions import evaluate
from runtime.expressions.scope import ExpressionError, Scope
from runtime.expressions.v8 import evaluator_of, start
from schemas.item import Item, Items
from schemas.plan import Edge, Kind, Plan, Settings, Step

NOW = 1_709_214_330_123.0
"""2024-02-29T13:45:30.123Z."""
_started = cache(start)


def run_scripts(sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
    """See ScriptEvaluator. With children that are started ahead of time, as a worker's are."""
    _started()
    return evaluator_of("tests")(sources, request, seconds, apart=apart, final=final)


def _step(name: str, *edges: Edge, **extra: Any) -> Step:
    return Step(name=name, id=f"id-{name}", type="test.node", version=2, kind=Kind.INLINE, edges=edges, **extra)


def plan(zone: str = "UTC") -> Plan:
    """The workflow."""
    return Plan(
        workflow_id="wf1",
        name="Case",
        settings=Settings(timezone=zone),
        steps=(
            _step("Start", Edge(output=0, target="Src", input=0)),
            _step("Src", Edge(output=0, target="Br", input=0), parameters={"mode": "manual"}),
            _step("Br", Edge(output=1, target="E", input=0)),
            _step("E"),
            _step("Never"),
        ),
    )


def scope(items: Sequence[dict[str, Any]] = ({},), zone: str = "UTC", **extra: Any) -> Scope:
    """Node E over these items, each paired with the item of Src at its place."""
    workflow = plan(zone)
    input_items: Items = [{"json": dict(each), "pairedItem": {"item": i}} for i, each in enumerate(items)]

    def pair(name: str, index: int) -> Item:
        if name != "Src":
            raise ExpressionError("Invalid expression")
        return input_items[index]

    return replace(
        Scope(
            plan=workflow,
            step=workflow.step["E"],
            items=input_items,
            inputs=[input_items],
            source=[{"previousNode": "Br", "previousNodeOutput": 1}],
            run_index=0,
            runs={
                "Src": [{"outputs": [input_items], "source": []}],
                "Br": [{"outputs": [[], input_items], "source": []}],
            },
            memory={"Src": {"count": 3}},
            now=NOW,
            seed=7,
            execution_id="9",
            variables={"plan": "pro"},
            pair=pair,
        ),
        **extra,
    )


def value(expression: str, item: dict[str, Any] | None = None, **extra: Any) -> Any:
    """The value of one expression over one item. Raises ExpressionError."""
    (column,) = evaluate([compile_expression(expression).expression], scope([item or {}], **extra), 1, run_scripts)
    if isinstance(column[0], ExpressionError):
        raise column[0]
    return column[0]


def values(expression: str, items: Sequence[dict[str, Any]], **extra: Any) -> list[Any]:
    """Its values over several items; errors stay in their cells."""
    return evaluate([compile_expression(expression).expression], scope(items, **extra), len(items), run_scripts)[0]
