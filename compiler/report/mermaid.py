"""A plan as a Mermaid flowchart, which GitHub, GitLab and most editors draw."""

from collections.abc import Iterator
from typing import Final

from schemas.plan import Kind, OnError, Plan, Step

SHAPES: Final = {Kind.SUBNODE: ("([", "])"), Kind.DURABLE: ("[[", "]]")}
STYLES: Final = (
    "classDef start stroke:#2e7d4f,stroke-width:2px",
    "classDef unsupported stroke:#b83232,stroke-dasharray:4",
    "classDef disabled opacity:0.5",
)


def flowchart(plan: Plan) -> str:
    """Return the plan as a Mermaid flowchart, left to right."""
    return "\n".join(("flowchart LR", *(f"    {line}" for line in _lines(plan)))) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    ids = {step.name: f"n{index}" for index, step in enumerate(plan.steps)}
    for step in plan.steps:
        before, after = ("([", "])") if step.trigger else SHAPES.get(step.kind, ("[", "]"))
        yield f'{ids[step.name]}{before}"{_text(step.name)}"{after}'
    for step in plan.steps:
        for edge in step.edges:
            if edge.target in ids:
                yield f"{ids[step.name]} -->{_label(step, edge.output)} {ids[edge.target]}"
    for step in plan.steps:
        for type_, names in step.subnodes.items():
            yield from (f"{ids[name]} -.->|{type_.removeprefix('ai_')}| {ids[step.name]}" for name in names)
    yield from STYLES
    for style, members in _styled(plan).items():
        if members:
            yield f"class {','.join(ids[name] for name in members)} {style}"


def _label(step: Step, output: int) -> str:
    if step.on_error is OnError.OUTPUT and output == step.outputs - 1:
        return "|error|"
    return f"|{output}|" if step.outputs - (step.on_error is OnError.OUTPUT) > 1 else ""


def _styled(plan: Plan) -> dict[str, list[str]]:
    return {
        "start": [step.name for step in plan.steps if step.trigger],
        "unsupported": [step.name for step in plan.steps if step.kind is Kind.UNSUPPORTED],
        "disabled": [step.name for step in plan.steps if step.disabled],
    }


def _text(name: str) -> str:
    """Replace characters with a meaning in Mermaid by entities."""
    printable = "".join(char if char.isprintable() else " " for char in name)
    return "".join(char if char.isalnum() or char in " -_.,:!?/+" else f"#{ord(char)};" for char in printable)
