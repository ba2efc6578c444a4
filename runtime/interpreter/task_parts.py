"""Tasks as payloads: each list of items once, and a long list as a payload of its own.

A step's input is also what `$input` reads, and the output of a node is read by many steps: `inputs`, `snapshot` and
`script_data` of a task share lists and items. Here each list is written once. A long one becomes a payload of its own, whose
bytes are the same in every task that has it, so that a store that is addressed by content has them once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from runtime.interpreter.border import hand_out, too_large
from schemas.task import Task

__all__ = ["PART_BYTES", "join_task", "split_task"]

PART_BYTES: Final = 32 * 1024
"""Size from which a list of items, or a member of a model request, is a payload of its own."""
_MARK: Final = "$tempor8"
"""The member by which a reference is known; it stands where otherwise a list, an item or null is."""

Change = Callable[[Any], Any]


def split_task(task: Task, limit: int | None) -> list[bytes]:
    """Return a task as JSON payloads: the task without what is shared or long, then its parts. See `join_task`.

    Raises:
        NodeError: all of them together have more bytes than `limit`, or something is nested too deep.
    """
    what = f"The input of '{task['step']['name']}'"
    pool = _Pool(task, what)
    payloads = [hand_out(pool.document(task), what, None), *pool.parts]
    if limit is not None and sum(map(len, payloads)) > limit:
        raise too_large(what, sum(map(len, payloads)), limit)
    return payloads


def join_task(document: Mapping[str, Any], parts: Sequence[Any]) -> Task:
    """Return the task of which `split_task` made payloads, from their values. One that was never split is returned as it is."""
    task = dict(document)
    sources = {"shared": task.pop("shared", ()), "part": parts}
    if not any(sources.values()):
        return cast("Task", task)

    def read(value: Any) -> Any:
        kind = value.get(_MARK) if isinstance(value, dict) else None
        if kind == "json of":
            return [{"json": item["json"]} for item in read(value["list"])]
        return sources[kind][value["index"]] if kind in sources else value

    def read_pair(pair: Any) -> Any:
        place = pair.get("item")
        return {"item": read(place["list"])[place["index"]]} if isinstance(place, dict) and _MARK in place else pair

    task = _changed(task, read, read, read_pair)
    if isinstance(task.get("payload"), dict):
        task["payload"] = {name: read(value) for name, value in task["payload"].items()}
    return cast("Task", task)


class _Pool:
    """The lists of a task that are shared or long."""

    def __init__(self, task: Task, what: str) -> None:
        self.parts: list[bytes] = []
        self._what = what
        self._shared: list[Any] = []
        self._references: dict[int, dict[str, Any]] = {}
        """By identity of the list: what stands in its place."""
        self._inputs = {_key(items): items for items in task["inputs"] if items}
        self._places: dict[int, tuple[Any, int]] = {}
        """Items of nodes that a pairing may name, by identity: where they are."""
        if any(pairs for data in _snapshots(task) for pairs in data["pairs"].values()):
            self._places = {id(item): (items, i) for items in _outputs(task) for i, item in enumerate(items)}
        uses: dict[int, int] = {}
        lists: list[Any] = []
        _changed(
            cast("dict[str, Any]", task), lists.append, lambda it: lists.append(self._whole(it)), self._note(lists)
        )
        for items in lists:
            if isinstance(items, list) and items:
                uses[id(items)] = uses.get(id(items), 0) + 1
        for items in {id(each): each for each in lists if id(each) in uses}.values():
            self._keep(items, uses[id(items)])

    def document(self, task: Task) -> dict[str, Any]:
        """Return the task with references in the places of lists that are shared or long."""
        document = _changed(cast("dict[str, Any]", task), self._list, self._items, self._pair)
        payload = document.get("payload")
        if isinstance(payload, dict):
            document["payload"] = {name: self._member(value) for name, value in payload.items()}
        return document | {"shared": self._shared} if self._shared else document

    def _keep(self, items: Any, uses: int) -> None:
        data = hand_out(items, self._what, None)
        if len(data) >= PART_BYTES:
            self._references[id(items)] = {_MARK: "part", "index": len(self.parts)}
            self.parts.append(data)
        elif uses > 1:
            self._references[id(items)] = {_MARK: "shared", "index": len(self._shared)}
            self._shared.append(items)

    def _whole(self, items: Any) -> Any:
        """Return the input whose items' json alone are the items of a snapshot; else those items."""
        whole = self._inputs.get(_key(items)) if isinstance(items, list) and items else None
        same = whole is not None and len(whole) == len(items) and all(len(item) == 1 for item in items)
        return whole if same else items

    def _note(self, lists: list[Any]) -> Change:
        def note(pair: Any) -> Any:
            if (place := self._places.get(id(pair.get("item")))) is not None:
                lists.append(place[0])
            return pair

        return note

    def _list(self, items: Any) -> Any:
        return self._references.get(id(items), items)

    def _items(self, items: Any) -> Any:
        whole = self._whole(items)
        if whole is items or id(whole) not in self._references:
            return self._list(items)
        return {_MARK: "json of", "list": self._references[id(whole)]}

    def _pair(self, pair: Any) -> Any:
        items, index = self._places.get(id(pair.get("item")), (None, 0))
        reference = self._references.get(id(items)) if items is not None else None
        return pair if reference is None else {"item": {_MARK: "item", "list": reference, "index": index}}

    def _member(self, value: Any) -> Any:
        if not isinstance(value, dict | list | str):
            return value
        data = hand_out(value, self._what, None)
        if len(data) < PART_BYTES and not (isinstance(value, dict) and _MARK in value):
            return value
        self.parts.append(data)
        return {_MARK: "part", "index": len(self.parts) - 1}


def _key(items: Any) -> int:
    """Two lists have the same key when their first items have the same json object."""
    return id(items[0].get("json")) if isinstance(items[0], dict) else 0


def _snapshots(task: Mapping[str, Any]) -> Iterator[Any]:
    return (task[name] for name in ("snapshot", "script_data") if task.get(name))


def _outputs(task: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Yield every list of items that nodes gave out and that a snapshot has as a whole."""
    for data in _snapshots(task):
        for node in data["nodes"].values():
            runs = node["runs"].values() if isinstance(node["runs"], dict) else node["runs"]
            yield from (items for run in runs if isinstance(run, list) for items in run if isinstance(items, list))


def _changed(task: Mapping[str, Any], each_list: Change, each_items: Change, each_pair: Change) -> dict[str, Any]:
    """Return a task with its lists of items changed: inputs and outputs, the items of snapshots, and pairings."""
    changed = dict(task)
    changed["inputs"] = [each_list(items) for items in task["inputs"]]
    for name in ("snapshot", "script_data"):
        if task.get(name):
            changed[name] = _changed_snapshot(task[name], each_list, each_items, each_pair)
    return changed


def _changed_snapshot(
    data: Mapping[str, Any], each_list: Change, each_items: Change, each_pair: Change
) -> dict[str, Any]:
    nodes = {name: {**node, "runs": _changed_runs(node["runs"], each_list)} for name, node in data["nodes"].items()}
    pairs = {name: [each_pair(pair) for pair in pairs] for name, pairs in data["pairs"].items()}
    return {**data, "items": each_items(data["items"]), "nodes": nodes, "pairs": pairs}


def _changed_runs(runs: Any, change: Change) -> Any:
    if isinstance(runs, dict):
        return {key: _changed_outputs(run, change) for key, run in runs.items()}
    return [_changed_outputs(run, change) for run in runs]


def _changed_outputs(outputs: Any, change: Change) -> Any:
    return [change(items) for items in outputs] if isinstance(outputs, list) else outputs
