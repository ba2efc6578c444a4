"""Fresh runs of real exports: every node that reaches outside is pinned with items drawn from a seed, the others run.

The items have the members that the export's own expressions and code read from that node, with likely values and odd ones. The
exports lie beside the repository.
"""

import copy
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from tests.conformance.fresh.mutants import ODD, PREFIX, VOLATILE
from tests.shared_folder import ABSENT, shared_path

__all__ = ["draw_cases"]

Case = dict[str, Any]
Node = dict[str, Any]
Path = tuple[str | int, ...]

OFFLINE: Final = frozenset(PREFIX + each for each in (
    "code", "function", "functionItem", "set", "if", "merge", "splitInBatches", "switch", "splitOut", "aggregate", "respondToWebhook",
    "filter", "noOp", "html", "htmlExtract", "limit", "sort", "xml", "itemLists", "summarize", "markdown", "stopAndError",
    "removeDuplicates", "dateTime", "renameKeys", "compareDatasets", "wait",
))  # fmt: skip
"""Types that run; all others are pinned."""
TRIGGER: Final = re.compile(r"trigger$|\.(webhook|cron|interval|start|emailReadImap)$", re.IGNORECASE)
STEP: Final = r"""(?:\??\.[A-Za-z_$][\w$]*(?![\w$(])|\??\.?\[(?:\d+|"[^"\\]*"|'[^'\\]*')\])"""
OF_INPUT: Final = re.compile(
    rf"(?:\$json|item\.json|\bi\.json|\$input\.(?:item|first\(\)|last\(\)|all\(\)\[\d+\])\.json|items\[\d+\]\.json)((?:{STEP})+)"
)
OF_NODE: Final = re.compile(
    rf"""(?:\$\(["']([^"']+)["']\)\.(?:item|first\(\)|last\(\)|all\(\)\[\d+\])|\$node\[["']([^"']+)["']\]|\$items\(["']([^"']+)["']\)\[\d+\])"""
    rf"\.json((?:{STEP})+)"
)
PART: Final = re.compile(r"""\.([A-Za-z_$][\w$]*)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""")
LIKELY: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    (r"e?mail", ("ada@example.com", "Grace Hopper <grace@example.org>", "no mail")),
    (r"date|time|created|updated|_at$|At$|start|end$", ("2024-03-15T10:30:00.000Z", "2024-02-29", 1710498600, "15/03/2024")),
    (r"url|link|href|image|website", ("https://example.com/a?b=1#c", "example.com", "")),
    (r"count|number|total|amount|price|score|size|age|rate|qty|quantity|index|page|limit|length", (3, 12.5, "42", 0, "7,5", -1)),
    (r"^is|^has|valid|success|enabled|active|done|found", (True, False, "true", "")),
    (r"ids?$", ("rec1A2b3C", 17, "17", "8f14e45f-ceea-467f-a0e6-1c3b5a6d7e8f")),
    (r"status|state|type|kind|category|priority", ("active", "Pending", "HIGH", "", "error")),
    (r"text|content|message|output|response|body|html|result|summary|description|answer", (
        'A first line.\nAnd a second, with "quotes".', '```json\n{"score": 7, "items": ["a", "b"], "ok": true}\n```', '{"a": {"b": [1, 2]}}',
        "<p>Hello <b>world</b></p>", "not json", "[1, 2, 3]", "")),
    (r"name|title|subject|label|author|user|company", ("Ada Lovelace", "Acme & Söhne", "x", "two words here")),
)  # fmt: skip
PLAIN: Final[tuple[Any, ...]] = (
    "some text",
    "one, two, three",
    5,
    0.5,
    True,
    "2024-01-31",
    ["a", "b"],
    {"value": "v", "name": "n"},
)
EXTRA: Final[tuple[dict[str, Any], ...]] = (
    {"id": 7},
    {"name": "plain", "tags": ["x", "y"]},
    {"data": {"rows": [{"a": 1}]}},
    {},
)


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return so many cases without what n8n gives. Raises SystemExit where the exports are not beside the repository."""
    draw, cases = random.Random(seed), list[Case]()  # noqa: S311 - cases, no secrets
    exports = _exports()
    while len(cases) < count:
        name, export = draw.choice(exports)
        case = _drawn(draw, copy.deepcopy(export))
        if case is not None:
            cases.append({"name": f"real-{seed}-{len(cases)}-{name}", "group": "R", "about": "a real export", **case})
    return cases


@cache
def _exports() -> Sequence[tuple[str, dict[str, Any]]]:
    folder = shared_path("corpus", "exports")
    if folder is None:
        raise SystemExit(ABSENT)
    found = []
    for path in sorted(folder.glob("*.json")):
        export = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(export, dict) and _triggers(export.get("nodes") or []):
            found.append((path.stem, export))
    return found


def _triggers(nodes: Sequence[Node]) -> list[Node]:
    return [each for each in nodes if TRIGGER.search(each.get("type", "")) and not each.get("disabled")]


def _drawn(draw: random.Random, export: dict[str, Any]) -> Case | None:
    """Return the case of an export with a start and pinned items; None where nothing of it would run."""
    nodes: list[Node] = export["nodes"]
    start = draw.choice(_triggers(nodes))
    connections = {name: kinds for name, kinds in (export.get("connections") or {}).items() if isinstance(kinds, dict)}
    reached = _reached(start["name"], connections)
    running = [each for each in nodes if each["name"] in reached and _runs(each)]
    if not running:
        return None
    for each in running:
        if each["type"] == f"{PREFIX}wait":
            each["parameters"] = {"amount": 0}
    pinned = [each["name"] for each in nodes if each not in running]
    wanted = _wanted(nodes, connections, set(pinned))
    pins = {name: _items(draw, wanted.get(name, ())) for name in pinned if name in reached or name in wanted}
    first = pins.setdefault(start["name"], _items(draw, wanted.get(start["name"], ()))) or [{"json": {}}]
    pins[start["name"]] = first
    if start["type"] == f"{PREFIX}webhook":
        pins[start["name"]] = first = [
            {"json": {"headers": {}, "params": {}, "query": {}, "body": {}} | each["json"]} for each in first
        ]
    settings = {
        "executionOrder": (export.get("settings") or {}).get("executionOrder", "v0"),
        "timezone": "Europe/Berlin",
    }
    workflow = {"id": "wf1", "name": "Fresh", "nodes": nodes, "connections": connections, "settings": settings}
    mode = "webhook" if start["type"] == f"{PREFIX}webhook" else "manual"
    return {
        "workflow": {**workflow, "pinData": {name: [each["json"] for each in items] for name, items in pins.items()}},
        "start": start["name"], "mode": mode, "input": first, "volatile": [], "offline": [each["name"] for each in running],
    }  # fmt: skip


def _runs(node: Node) -> bool:
    """Whether a node runs in a fresh case: it stays inside, and gives the same every time."""
    return node["type"] in OFFLINE and not VOLATILE.search(json.dumps(node.get("parameters") or {}))


def _wires(connections: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (source, target) of each wire that says where it goes."""
    for source, kinds in connections.items():
        for wires in kinds.get("main") or []:
            yield from ((source, wire["node"]) for wire in wires or [] if isinstance(wire, dict) and "node" in wire)


def _reached(start: str, connections: Mapping[str, Any]) -> set[str]:
    wires, found, todo = list(_wires(connections)), set[str](), [start]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [target for source, target in wires if source == name]
    return found


def _wanted(nodes: Sequence[Node], connections: Mapping[str, Any], pinned: set[str]) -> dict[str, list[Path]]:
    """Return pinned node -> the members of its items that the others read."""
    before: defaultdict[str, set[str]] = defaultdict(set)
    for source, target in _wires(connections):
        before[target].add(source)
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for each in nodes:
        text = "\n".join(_texts(each.get("parameters")))
        inputs = _nearest(each["name"], before, pinned)
        for match in OF_INPUT.finditer(text):
            for name in inputs:
                found[name].append(_path(match[1]))
        for match in OF_NODE.finditer(text):
            name = match[1] or match[2] or match[3]
            for of in [name] if name in pinned else _nearest(name, before, pinned):
                found[of].append(_path(match[4]))
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _nearest(name: str, before: Mapping[str, set[str]], pinned: set[str]) -> list[str]:
    """Return the pinned nodes from which a node's items come, through those that run."""
    found, seen, todo = list[str](), {name}, sorted(before.get(name, ()))
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        if each in pinned:
            found.append(each)
        else:
            todo += sorted(before.get(each, ()))
    return found


def _path(text: str) -> Path:
    parts = (
        int(match[2]) if match[2] else match[1] or match[3] or match[4] or ""
        for match in PART.finditer(text.replace("?", ""))
    )
    return tuple(each for each in parts if each not in ("length", "", "__proto__", "constructor"))[:6]


def _items(draw: random.Random, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return up to four items with most of the members."""
    count = draw.choice((1, 1, 1, 2, 2, 3, 4, 0))
    return [{"json": _object(draw, paths)} for _ in range(count)]


def _object(draw: random.Random, paths: Sequence[Path]) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(draw.choice(EXTRA))
    for path in sorted(dict.fromkeys(paths), key=lambda each: (len(each), str(each))):
        if path and isinstance(path[0], str) and draw.random() > 0.08:
            _put(made, path, _value(draw, next((each for each in reversed(path) if isinstance(each, str)), "")))
    return made


def _put(made: Any, path: Path, value: Any) -> None:
    """Set a value below an object, whose members are made on the way; one of another kind is replaced."""
    holder: Any = made
    last = len(path) - 1
    for place, part in enumerate(path):
        if not _has_room(holder, part):
            return
        key: Any = min(part, 3) if isinstance(part, int) else part
        if isinstance(part, int):
            holder.extend({} for _ in range(key + 1 - len(holder)))
        if place == last:
            holder[key] = value
            return
        kind = list if isinstance(path[place + 1], int) else dict
        current = holder[key] if isinstance(part, int) else holder.get(key)
        if not isinstance(current, kind):
            holder[key] = kind()
        holder = holder[key]


def _has_room(holder: Any, part: str | int) -> bool:
    return isinstance(holder, list if isinstance(part, int) else dict)


def _value(draw: random.Random, key: str) -> Any:
    chance = draw.random()
    if chance < 0.1:
        odd = draw.choice(ODD)
        return None if isinstance(odd, str) and odd.startswith("=") else odd
    if key.endswith("s") and not key.endswith("ss") and chance < 0.5:
        one: Any = draw.choice(({"id": 1, "name": "first"}, "word", 4, {"key": "k", "value": "v"}))
        return [one] * draw.randint(0, 3)
    for pattern, values in LIKELY:
        if re.search(pattern, key, re.IGNORECASE) and chance < 0.9:
            return draw.choice(values)
    return copy.deepcopy(draw.choice(PLAIN))
