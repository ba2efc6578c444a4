"""The graph of a plan as shapes to draw: nodes where the export has them, and the lines between them.

Pure: no requests, no state of runs; see `api.console.node_states` for the latter.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from schemas.plan import OnError, Plan, Step
from service.sticky_notes import StickyNote

__all__ = ["Graph", "GraphEdge", "GraphNode", "graph_of"]

WIDTH, HEIGHT, ROOT_WIDTH, CIRCLE = 96.0, 64.0, 168.0, 64.0
"""Sizes of nodes: of most, of the roots of agents, and of their sub-nodes (the diameter)."""
MARGIN: Final = 48.0
LABEL_HEIGHT: Final = 40.0
DISTANCE, SUB_DISTANCE = 240.0, 200.0
"""Between nodes that an export has at one place: to the right, and from a root down to its sub-nodes."""
MIN_REACH: Final = 40.0
"""How far a line at least goes to the side before it bends."""
MIN_PORT_GAP: Final = 16.0
NOTE_REACH: Final = 1200.0
"""How far from the nodes a note is still drawn."""
NOTE_PADDING, NOTE_TITLE, NOTE_LINE, CHARACTER_WIDTH = 10.0, 26.0, 16.0, 7.0
LINE_CHARACTERS: Final = 18
"""Characters of a line of a label; there are two."""
FAMILIES: Final = {
    "trigger": ("trigger", "webhook", "cron", "interval", "start", "formtrigger"),
    "flow": ("if", "switch", "merge", "splitinbatches", "filter", "wait", "noop", "stopanderror", "executeworkflow", "limit"),
    "code": ("code", "function", "functionitem", "executecommand"),
    "http": ("httprequest", "graphql", "respondtowebhook"),
    "data": ("set", "itemlists", "aggregate", "splitout", "sort", "removeduplicates", "datetime", "summarize", "renamekeys"),
}  # fmt: skip
"""Family -> node types of it; others are of a vendor."""
OWN_ICONS: Final = {
    "webhook": "webhook", "scheduletrigger": "clock", "wait": "clock", "if": "split", "switch": "split", "merge": "merge",
    "splitinbatches": "loop",
}  # fmt: skip
"""Node type -> its icon, where it is not that of its family; see `api.console.icons`."""


@dataclass(frozen=True)
class GraphNode:
    """A node as it is drawn; x and y are its upper left corner."""

    id: str
    name: str
    x: float
    y: float
    width: float
    height: float
    family: str
    icon: str
    is_root: bool
    """It has sub-nodes: its label is inside it, since their lines begin below."""
    is_sub: bool
    label: tuple[str, ...]
    """Lines of at most 18 characters."""
    disabled: bool


@dataclass(frozen=True)
class GraphEdge:
    """A line between two nodes."""

    id: str
    source: str
    output: int
    target: str
    path: str
    """Of SVG."""
    label: str
    label_x: float
    label_y: float
    is_ai: bool = False


@dataclass(frozen=True)
class GraphNote:
    """A sticky note behind the nodes, with as many lines of its text as it has room for; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Graph:
    """Everything to draw, and how large that is."""

    width: float
    height: float
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    notes: tuple[GraphNote, ...] = ()

    def node(self, name: str) -> GraphNode | None:
        """Return the node of a name; None: there is none."""
        return next((node for node in self.nodes if node.name == name), None)


def graph_of(plan: Plan, notes: Sequence[StickyNote] = ()) -> Graph:
    """Return the graph of a plan, with the notes that lie beside its nodes."""
    roots = {step.name for step in plan.steps if step.subnodes}
    subs = {name for step in plan.steps for names in step.subnodes.values() for name in names}
    places = _places(plan, subs)
    notes = _near(notes, places)
    left = min((x for x, _ in (*places, *((each.x, each.y) for each in notes))), default=0.0) - MARGIN
    top = min((y for _, y in (*places, *((each.x, each.y) for each in notes))), default=0.0) - MARGIN
    nodes = [
        _node(number, step, (x - left, y - top), is_root=step.name in roots, is_sub=step.name in subs)
        for number, (step, (x, y)) in enumerate(zip(plan.steps, places, strict=True))
    ]
    by_name = {node.name: node for node in nodes}
    edges = [edge for step in plan.steps for edge in (*_main(step, by_name), *_ai(step, by_name))]
    drawn = tuple(_drawn_note(each, (each.x - left, each.y - top)) for each in notes)
    right = [*(node.x + node.width for node in nodes), *(note.x + note.width for note in drawn)]
    bottom = [*(node.y + node.height for node in nodes), *(note.y + note.height for note in drawn)]
    width, height = max(right, default=0.0) + MARGIN, max(bottom, default=0.0) + MARGIN + LABEL_HEIGHT
    return Graph(width, height, tuple(nodes), tuple(edges), drawn)


def _near(notes: Sequence[StickyNote], places: Sequence[tuple[float, float]]) -> list[StickyNote]:
    """Return the notes that lie so near to nodes that the graph does not become much larger by them."""
    if not places:
        return []
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return [
        each
        for each in notes
        if min(xs) - NOTE_REACH <= each.x <= max(xs) + NOTE_REACH
        and min(ys) - NOTE_REACH <= each.y <= max(ys) + NOTE_REACH
    ]


def _drawn_note(note: StickyNote, place: tuple[float, float]) -> GraphNote:
    characters = max(int((note.width - 2 * NOTE_PADDING) / CHARACTER_WIDTH), 2)
    room = max(int((note.height - NOTE_TITLE - NOTE_PADDING) / NOTE_LINE), 0)
    lines = [line for part in note.body.splitlines() for line in wrap(part, characters)]
    if len(lines) > room:
        lines = [*lines[: room - 1], lines[room - 1][: characters - 1] + "…"] if room else []
    title = note.title if len(note.title) <= characters else note.title[: characters - 1] + "…"
    return GraphNote(*place, note.width, note.height, title, tuple(lines), note.text)


def _places(plan: Plan, subs: Collection[str]) -> list[tuple[float, float]]:
    """Return where each step stands: where the export has it, or beside the ones that it has at the very same place."""
    taken = set[tuple[float, float]]()
    free: dict[tuple[float, float], int] = {}
    places = []
    for step in plan.steps:
        x, y = step.position
        if (x, y) in taken and step.name in subs:
            y += SUB_DISTANCE
        number = free.get((x, y), 0)
        while (x + number * DISTANCE, y) in taken and number < len(plan.steps):  # a huge x does not change
            number += 1
        free[x, y] = number + 1
        places.append((x + number * DISTANCE, y))
        taken.add(places[-1])
    return places


def _node(number: int, step: Step, place: tuple[float, float], *, is_root: bool, is_sub: bool) -> GraphNode:
    width, height = (CIRCLE, CIRCLE) if is_sub else (ROOT_WIDTH if is_root else WIDTH, HEIGHT)
    family = _family(step, is_ai=is_root or is_sub)
    return GraphNode(
        f"n{number}", step.name, *place, width, height,
        family, family if family == "ai" else OWN_ICONS.get(_type_name(step), family), is_root, is_sub, _lines(step.name), step.disabled,
    )  # fmt: skip


def _family(step: Step, *, is_ai: bool) -> str:
    if is_ai:
        return "ai"
    name = _type_name(step)
    if step.trigger or name.endswith("trigger"):
        return "trigger"
    return next((family for family, types in FAMILIES.items() if name in types), "vendor")


def _type_name(step: Step) -> str:
    return step.type.rpartition(".")[2].lower()


def _lines(name: str) -> tuple[str, ...]:
    """Return a name in at most two lines, broken between words where it can be."""
    first, rest = "", name
    if len(name) > LINE_CHARACTERS:
        cut = name.rfind(" ", 0, LINE_CHARACTERS + 1)
        cut = cut if cut > 0 else LINE_CHARACTERS
        first, rest = name[:cut], name[cut:].strip()
    rest = _shortened(rest)
    return (first, rest) if first else (rest,)


def _shortened(text: str) -> str:
    """Return a text that fits into a line."""
    return text if len(text) <= LINE_CHARACTERS else text[: LINE_CHARACTERS - 1] + "…"


def _main(step: Step, nodes: dict[str, GraphNode]) -> Iterator[GraphEdge]:
    source = nodes[step.name]
    for number, edge in enumerate(step.edges):
        if (target := nodes.get(edge.target)) is None:  # a connection to a node that the export does not have
            continue
        x, y = source.x + source.width, source.y + _port(source.height, edge.output, step.outputs)
        x2, y2 = target.x, target.y + target.height / 2
        reach = max(MIN_REACH, abs(x2 - x) / 2)
        path = f"M{x:g} {y:g}C{x + reach:g} {y:g} {x2 - reach:g} {y2:g} {x2 - 4:g} {y2:g}"
        yield GraphEdge(
            f"{source.id}e{number}",
            step.name,
            edge.output,
            edge.target,
            path,
            _port_label(step, edge.output),
            x + 10,
            y - 5,
        )


def _ai(step: Step, nodes: dict[str, GraphNode]) -> Iterator[GraphEdge]:
    root, kinds = nodes[step.name], list(step.subnodes.items())
    for place, (kind, names) in enumerate(kinds):
        for number, name in enumerate(names):
            if (sub := nodes.get(name)) is None:
                continue
            x, y = root.x + root.width * (place + 1) / (len(kinds) + 1), root.y + root.height
            x2, y2 = sub.x + sub.width / 2, sub.y
            reach = max(MIN_REACH, abs(y2 - y) / 2)
            path = f"M{x:g} {y:g}C{x:g} {y + reach:g} {x2:g} {y2 - reach:g} {x2:g} {y2:g}"
            label = kind.removeprefix("ai_")
            yield GraphEdge(f"{root.id}a{place}x{number}", step.name, -1, name, path, label, x2 + 6, y2 - 8, is_ai=True)


def _port(height: float, output: int, outputs: int) -> float:
    """Return how far below a node's upper edge an output is."""
    gap = max(MIN_PORT_GAP, height / (outputs + 1))
    return height / 2 + (output - (outputs - 1) / 2) * gap


def _port_label(step: Step, output: int) -> str:
    """Return what an output is called, where there are several: its rule's name, or true and false."""
    if step.outputs < 2:
        return ""
    if step.on_error is OnError.OUTPUT and output == step.outputs - 1:
        return "error"
    kind = step.type.rpartition(".")[2]
    if kind == "if":
        return ("true", "false")[output] if output < 2 else str(output)
    if kind == "splitInBatches":
        return ("done", "loop")[output] if output < 2 else str(output)
    if kind == "switch":
        return _rule_name(step, output)
    return str(output)


def _rule_name(step: Step, output: int) -> str:
    rules = step.parameters.get("rules")
    values = rules.get("values") or rules.get("rules") if isinstance(rules, dict) else None
    rule = values[output] if isinstance(values, list) and output < len(values) else None
    name = rule.get("outputKey") if isinstance(rule, dict) else None
    if not name and isinstance(values, list) and output == len(values):
        return "fallback"
    return _shortened(str(name)) if name else str(output)
