"""Merge version 1."""

from typing import Any, Literal

from runtime.nodes.base import Context, Dynamic, Inline, Item, Items, Outputs, param
from runtime.nodes.merge.joining import strictly_equal
from runtime.values.paths import get
from schemas.item import UNDEFINED

KEYS = {"mode": ["keepKeyMatches", "mergeByKey", "removeKeyMatches"]}


class MergeV1(Inline):
    """Two inputs, by index or by one key."""

    type = "n8n-nodes-base.merge"
    versions = (1,)
    input_count = 2

    mode: Literal[
        "append", "keepKeyMatches", "mergeByIndex", "mergeByKey", "multiplex", "passThrough", "removeKeyMatches", "wait"
    ] = param("append")
    join: Dynamic[Literal["inner", "left", "outer"]] = param("left", show={"mode": ["mergeByIndex"]})
    property_name1: Dynamic[str] = param("", show=KEYS, required=True)
    property_name2: Dynamic[str] = param("", show=KEYS, required=True)
    output: Dynamic[Literal["input1", "input2"]] = param("input1", show={"mode": ["passThrough"]})
    overwrite: Dynamic[Literal["always", "blank", "undefined"]] = param("always", show={"mode": ["mergeByKey"]})

    def required_inputs(self, version: float) -> int | tuple[int, ...]:
        """One is enough."""
        del version
        return 1

    def run(self, context: Context, items: Items) -> Outputs:
        """Both inputs at once."""
        del items
        p = context.resolve(self, 0)
        inputs = [each or [] for each in context.inputs]
        inputs += [[] for _ in range(2 - len(inputs))]
        one, two = inputs[0], inputs[1]
        match p.mode:
            case "append":
                return [[*one, *two]]
            case "wait":
                return [[{"json": {}}]]
            case "passThrough":
                return [one if p.output == "input1" else two]
            case "multiplex":
                return [[_both(a, b) for a in one for b in two]]
            case "mergeByIndex":
                return [_by_index(one, two, p.join)]
        return [p.by_key(one, two)]

    def by_key(self, one: Items, two: Items) -> Items:
        """Join, keep or remove by one key; of equal keys in input 2 the last counts."""
        known = [(get(item["json"], self.property_name2), item) for item in two]
        known = [(key, item) for key, item in known if key is not UNDEFINED]
        if self.mode == "keepKeyMatches":
            return [item for item in one if self._partner(item, known) is not None] if one and two else []
        if self.mode == "removeKeyMatches":
            return [item for item in one if self._partner(item, known) is None] if two else one
        return [self._joined(item, self._partner(item, known)) for item in one]

    def _partner(self, item: Item, known: list[tuple[Any, Item]]) -> Item | None:
        value = get(item["json"], self.property_name1)
        return next((other for key, other in reversed(known) if strictly_equal(key, value)), None)

    def _joined(self, item: Item, other: Item | None) -> Item:
        if other is None:
            return item
        json = dict(item["json"])
        for key, value in other["json"].items():
            if key == self.property_name2:
                continue
            if (
                self.overwrite == "always"
                or json.get(key, UNDEFINED) is UNDEFINED
                or (self.overwrite == "blank" and json[key] in (None, ""))
            ):
                json[key] = value
        return {**item, "json": json, "pairedItem": _pairs(item, other)}


def _pairs(*items: Item) -> Any:
    return [item["pairedItem"] for item in items if item.get("pairedItem") is not None]


def _both(a: Item, b: Item) -> Item:
    return {**a, "json": {**a["json"], **b["json"]}, "pairedItem": _pairs(a, b)}


def _by_index(one: Items, two: Items, join: str) -> Items:
    count = {"inner": min(len(one), len(two)), "left": len(one), "outer": max(len(one), len(two))}[join]
    merged: Items = []
    for i in range(count):
        if i < len(one) and i < len(two):
            merged.append(_both(one[i], two[i]))
        else:
            merged.append(one[i] if i < len(one) else two[i])
    return merged
