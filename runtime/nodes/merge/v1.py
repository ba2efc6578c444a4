"""Merge version 1."""

from typing import Any, Literal

from runtime.contract import Context, Dynamic, Inline, Item, Items, Outputs, param
from runtime.values.javascript import js_string, truthy
from runtime.values.objects import members
from runtime.values.paths import get
from schemas.item import UNDEFINED

KEYS = {"mode": ["keepKeyMatches", "mergeByKey", "removeKeyMatches"]}


class MergeV1(Inline):
    """Merge, version 1: two inputs, by index or by one key."""

    type = "n8n-nodes-base.merge"
    versions = (1,)
    exact_values = True
    input_count = 2

    old_version_notice: str = param("")
    mode: Dynamic[
        Literal[
            "append",
            "keepKeyMatches",
            "mergeByIndex",
            "mergeByKey",
            "multiplex",
            "passThrough",
            "removeKeyMatches",
            "wait",
        ]
    ] = param("append")
    join: Dynamic[Literal["inner", "left", "outer"]] = param("left", show={"mode": ["mergeByIndex"]})
    property_name1: Dynamic[str] = param("", show=KEYS, required=True, label="Property Input 1")
    property_name2: Dynamic[str] = param("", show=KEYS, required=True, label="Property Input 2")
    output: Dynamic[Literal["input1", "input2"]] = param("input1", show={"mode": ["passThrough"]})
    overwrite: Dynamic[Literal["always", "blank", "undefined"]] = param("always", show={"mode": ["mergeByKey"]})

    def required_inputs(self, version: float) -> int | tuple[int, ...]:
        """Return that one input is enough."""
        del version
        return 1

    def run(self, context: Context, items: Items) -> Outputs:
        """Merge both inputs at once."""
        del items
        p = context.resolve(self, 0)
        inputs = [each or [] for each in context.inputs]
        inputs += [[] for _ in range(2 - len(inputs))]
        one, two = inputs[0], inputs[1]
        match p.mode:
            case "append":
                return [[*one, *two]]
            case "wait":
                return [[{"json": {}, "pairedItem": [{"item": i} for i in range(len(one))]}]]  # type: ignore[typeddict-item]
            case "passThrough":
                return [one if p.output == "input1" else two]
            case "multiplex":
                return [[_both(a, b) for a in one for b in two]]
            case "mergeByIndex":
                return [_by_index(one, two, p.join)]
        by_key = p.mode in ("keepKeyMatches", "mergeByKey", "removeKeyMatches")
        return [p.by_key(one, two) if by_key else []]

    def by_key(self, one: Items, two: Items) -> Items:
        """Join, keep or remove by one key, compared as text; of equal keys in input 2 the last counts, and falsy keys
        do not.
        """
        known: dict[str, Item] = {}
        for item in two:
            key = get(item["json"], self.property_name2)
            if truthy(key):
                known[js_string(key)] = item
        if self.mode == "keepKeyMatches":
            return [item for item in one if self._partner(item, known) is not None] if one and two else []
        if self.mode == "removeKeyMatches":
            return [item for item in one if self._partner(item, known) is None] if two else one
        return [self._merge_pair(item, self._partner(item, known)) for item in one if self._has_key(item)]

    def _has_key(self, item: Item) -> bool:
        """n8n's merge drops items whose key is neither text nor a number nor null."""
        value = get(item["json"], self.property_name1)
        return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))

    def _partner(self, item: Item, known: dict[str, Item]) -> Item | None:
        value = get(item["json"], self.property_name1)
        return known.get(js_string(value)) if value is not None and self._has_key(item) else None

    def _merge_pair(self, item: Item, other: Item | None) -> Item:
        if other is None:
            return item
        json = dict(members(item["json"]))
        for key, value in members(other["json"]).items():
            if key == self.property_name2:
                continue
            if (
                self.overwrite == "always"
                or json.get(key, UNDEFINED) is UNDEFINED
                or (self.overwrite == "blank" and json[key] in (None, ""))
            ):
                json[key] = value
        json.pop("__proto__", None)  # written member by member: JavaScript makes it the prototype
        return {**item, "json": json}


def _pairs(*items: Item) -> Any:
    return [item["pairedItem"] for item in items if item.get("pairedItem") is not None]


def _both(a: Item, b: Item) -> Item:
    """Return the JSON of both, without files."""
    return {"json": {**members(a["json"]), **members(b["json"])}, "pairedItem": _pairs(a, b)}


def _with_files(a: Item, b: Item) -> Item:
    """Return the JSON and the files of both; the second one wins."""
    files = {**a.get("binary", {}), **b.get("binary", {})}
    both = _both(a, b)
    both["json"].pop("__proto__", None)  # written member by member: JavaScript makes it the prototype
    return {**a, **both, "binary": files} if files else {**a, **both}


def _by_index(one: Items, two: Items, join: str) -> Items:
    count = {"inner": min(len(one), len(two)), "left": len(one), "outer": max(len(one), len(two))}.get(
        str(join), len(one)
    )
    merged: Items = []
    for i in range(count):
        if i < len(one) and i < len(two):
            merged.append(_with_files(one[i], two[i]))
        else:
            merged.append(one[i] if i < len(one) else two[i])
    return merged
