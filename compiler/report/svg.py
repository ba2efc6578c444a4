"""Draw a plan as SVG, with the positions of its nodes in n8n's editor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from schemas.plan import Kind, Plan, Step

# Pixels, the unit of positions in n8n's editor.
BOX_WIDTH: Final = 170
BOX_HEIGHT: Final = 56
MARGIN: Final = 40


@dataclass(frozen=True)
class Box:
    """A node on the page."""

    step: Step
    x: float
    y: float
    style: str

    @property
    def short(self) -> str:
        """The node type without its package."""
        return self.step.type.rpartition(".")[2]


@dataclass(frozen=True)
class ConnectionLine:
    """A connection on the page."""

    path: str
    style: str


def drawing(plan: Plan) -> str:
    """Return the plan as an SVG document without scripts and external resources."""
    left = min((step.position[0] for step in plan.steps), default=0.0) - MARGIN
    top = min((step.position[1] for step in plan.steps), default=0.0) - MARGIN
    boxes = {step.name: _box(step, left, top) for step in plan.steps}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("graph.svg").render(
        boxes=list(boxes.values()),
        lines=[line for box in boxes.values() for line in _lines(box, boxes)],
        width=max((box.x for box in boxes.values()), default=0.0) + BOX_WIDTH + MARGIN,
        height=max((box.y for box in boxes.values()), default=0.0) + BOX_HEIGHT + MARGIN,
        w=BOX_WIDTH,
        h=BOX_HEIGHT,
        name=plan.name,
    )


def _box(step: Step, left: float, top: float) -> Box:
    style = "start" if step.trigger else "part" if step.kind is Kind.SUBNODE else "plain"
    style = "unsupported" if step.kind is Kind.UNSUPPORTED else style
    return Box(step, step.position[0] - left, step.position[1] - top, style + (" off" if step.disabled else ""))


def _lines(box: Box, boxes: dict[str, Box]) -> list[ConnectionLine]:
    lines = []
    for edge in box.step.edges:
        if edge.target not in boxes:
            continue
        start = box.y + BOX_HEIGHT * (edge.output + 1) / (max(box.step.outputs, edge.output + 1) + 1)
        lines.append(
            ConnectionLine(
                _across(box.x + BOX_WIDTH, start, boxes[edge.target].x, boxes[edge.target].y + BOX_HEIGHT / 2), "main"
            )
        )
    for names in box.step.subnodes.values():
        for name in names:
            sub_node = boxes[name]
            lines.append(
                ConnectionLine(
                    _down(sub_node.x + BOX_WIDTH / 2, sub_node.y, box.x + BOX_WIDTH / 2, box.y + BOX_HEIGHT), "part"
                )
            )
    return lines


def _across(x1: float, y1: float, x2: float, y2: float) -> str:
    reach = max(40.0, abs(x2 - x1) / 2)
    return f"M{x1:g},{y1:g} C{x1 + reach:g},{y1:g} {x2 - reach:g},{y2:g} {x2:g},{y2:g}"


def _down(x1: float, y1: float, x2: float, y2: float) -> str:
    reach = max(30.0, abs(y2 - y1) / 2)
    return f"M{x1:g},{y1:g} C{x1:g},{y1 - reach:g} {x2:g},{y2 + reach:g} {x2:g},{y2:g}"
