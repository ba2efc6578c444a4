"""Summaries of groups of items, as n8n's Summarize makes them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.values.javascript import compare, js_string, js_typeof, json_stringify, tidy
from runtime.values.lists.fields import Json, Reader, names, reader, text_parts
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED, Item, Items, PairedItem

NOTHING: Final = (
    "You need to add at least one aggregation to 'Fields to Summarize' with non empty 'Field'"  # n8n's text
)
_PREFIXES: Final = {
    "append": "appended_",
    "average": "average_",
    "concatenate": "concatenated_",
    "count": "count_",
    "countUnique": "unique_count_",
    "max": "max_",
    "min": "min_",
    "sum": "sum_",
}
_PLAIN: Final = str.maketrans({"[": None, "]": None, '"': None, ".": "_", " ": "_"})


@dataclass
class _Group:
    """Items that share their key values so far: split further (`parts`, by key), or summed up (`values`)."""

    members: list[int]
    values: Json = field(default_factory=dict)
    parts: list[tuple[Any, "_Group"]] = field(default_factory=list)


@dataclass(frozen=True)
class Summary:
    """What to compute (`fieldsToSummarize.values`), what to split by, and how keys are treated.

    `typed`: keys keep their type; else they are text, and an undefined one is `undefined`.
    """

    aggregations: list[Json]
    split_by: list[str]
    options: Json
    typed: bool
    lenient: bool
    """A field that no item has is no error."""
    numeric: bool = False
    """The smallest and greatest are of the numbers only; of none at all they are infinite."""
    keep_undefined: Callable[[], bool] = lambda: False
    """Whether a key that is undefined stays; asked where there is one."""
    keys_first: bool = False
    """The keys come before the values in an item."""

    @classmethod
    def of(
        cls,
        fields: Any,
        split_by: Any,
        options: Any,
        *,
        typed: bool,
        lenient: bool,
        keep_undefined: Callable[[], bool] = lambda: False,
        numeric: bool = False,
        keys_first: bool = False,
    ) -> "Summary":
        """Read a node's parameters. Raise ProblemError when there is nothing to compute."""
        chosen = [{"field": "", **each} for each in (fields or {}).get("values") or ()]
        if all(each["field"] == "" for each in chosen):
            raise ProblemError(NOTHING)
        keys = names(split_by) if isinstance(split_by, list) else [each for each in text_parts(split_by) if each]
        return cls(chosen, keys, options or {}, typed, lenient, numeric, keep_undefined, keys_first)

    def items(self, items: Items) -> Items:
        """Return one item per group, or a single one with the groups as nested objects. Raise ProblemError."""
        read = reader(dots=not self.options.get("disableDotNotation"))
        if not self.lenient:
            self._check(items, read)
        tree = self._split(items, list(range(len(items))), self.split_by, read)
        if self.options.get("outputFormat") == "singleItem":
            return [_item(self._nested(tree, len(self.split_by)), range(len(items)))]
        return list(self._rows(tree, self.split_by))

    def _check(self, items: Items, read: Reader) -> None:
        for each in self.aggregations:
            name = js_string(each["field"])
            if all(read(item["json"], name) is UNDEFINED for item in items):
                raise ProblemError(f"The field '{name}' does not exist in any items")

    def _split(self, items: Items, members: list[int], keys: list[str], read: Reader) -> _Group:
        group = _Group(members)
        if not keys:
            for each in self.aggregations:
                given, name = each.get("aggregation", "count"), js_string(each["field"])
                kind = given if isinstance(given, str) else ""  # an expression may give anything, which is unknown
                values = [read(items[i]["json"], name) for i in members]
                work: Callable[[list[Any], Json], Any] = self._aggregation(kind)
                group.values[plain(_PREFIXES.get(kind, "undefined") + name)] = work(values, each)
            return group
        groups: dict[tuple[str, Any], tuple[Any, list[int]]] = {}
        for i in members:
            key = self._key(read(items[i]["json"], keys[0]))
            if not (self.options.get("skipEmptySplitFields") and _is_blank_key(key)):
                groups.setdefault((js_typeof(key), key), (key, []))[1].append(i)
        group.parts = [(key, self._split(items, part, keys[1:], read)) for key, part in groups.values()]
        return group

    def _aggregation(self, kind: Any) -> Callable[[list[Any], Json], Any]:
        of_numbers = _OF_NUMBERS.get(kind) if self.numeric else None
        return of_numbers or _AGGREGATIONS.get(kind, _count)

    def _key(self, value: Any) -> Any:
        if isinstance(value, dict | list):
            return json_stringify(value)
        return value if self.typed else js_string(value)

    def _nested(self, group: _Group, depth: int) -> Json:
        if not depth:
            return group.values
        return {js_string(key): self._nested(part, depth - 1) for key, part in group.parts}

    def _rows(self, group: _Group, keys: list[str]) -> Items:
        if not keys:
            return [_item(dict(group.values), group.members)]
        rows: Items = []
        for key, part in group.parts:
            for row in self._rows(part, keys[1:]):
                name = plain(keys[0])
                row["json"].pop(name, None)
                own = {} if key is UNDEFINED and not self.keep_undefined() else {name: key}
                row["json"] = own | row["json"] if self.keys_first else row["json"] | own
                rows.append(row)
        return rows


def plain(name: str) -> str:
    """Return a field's name as n8n makes it a key of its own: `a.b[0]` is `a_b0`."""
    return name.translate(_PLAIN)


def _item(json: Json, members: Any) -> Item:
    pairing: list[PairedItem] = [{"item": i} for i in members]
    return {"json": json, "pairedItem": pairing}


def _is_blank_key(key: Any) -> bool:
    return key is None or key is UNDEFINED or key is False or key == ""


def _is_empty(value: Any) -> bool:
    return value is None or value is UNDEFINED or value == ""


# --- aggregations: the values of a field in a group, and the entry that asks -------------------------------------------


def _counted_values(values: list[Any], entry: Json) -> list[Any]:
    return values if entry.get("includeEmpty") else [value for value in values if not _is_empty(value)]


def _append(values: list[Any], entry: Json) -> Any:
    return [None if value is UNDEFINED else value for value in _counted_values(values, entry)]


def _concatenate(values: list[Any], entry: Json) -> str:
    separator = entry.get("separateBy", ",")
    if separator == "other":
        separator = entry.get("customSeparator", "")
    texts = (_text(value) for value in _counted_values(values, entry))
    return js_string(separator).join(texts)


def _text(value: Any) -> str:
    return json_stringify(value) or "" if isinstance(value, dict | list) else js_string(value)


def _count(values: list[Any], entry: Json) -> int:
    return len(_counted_values(values, entry))


def _count_unique(values: list[Any], entry: Json) -> int:
    """Objects and lists are each their own, as in a JavaScript Set."""
    counted = _counted_values(values, entry)
    own = sum(1 for value in counted if isinstance(value, dict | list))
    return own + len({(js_typeof(value), value) for value in counted if not isinstance(value, dict | list)})


def _numbers(values: list[Any]) -> list[float]:
    return [value for value in values if js_typeof(value) == "number"]


def _total(values: list[Any]) -> float:
    """Return the sum, added one by one, in doubles."""
    total = 0.0
    for value in _numbers(values):
        total += value
    return tidy(total)


def _sum(values: list[Any], entry: Json) -> float:
    del entry
    return _total(values)


def _average(values: list[Any], entry: Json) -> float:
    del entry
    count = len(_numbers(values))
    return tidy(_total(values) / count) if count else float("nan")


def _extreme(side: int) -> Callable[[list[Any], Json], Any]:
    def extreme(values: list[Any], entry: Json) -> Any:
        del entry
        best: Any = None
        for i, value in enumerate(value for value in values if not _is_empty(value)):
            if i == 0 or compare(value, best) == side:
                best = value
        return best

    return extreme


_AGGREGATIONS: Final[dict[str, Callable[[list[Any], Json], Any]]] = {
    "append": _append,
    "average": _average,
    "concatenate": _concatenate,
    "count": _count,
    "countUnique": _count_unique,
    "max": _extreme(1),
    "min": _extreme(-1),
    "sum": _sum,
}
_OF_NUMBERS: Final[dict[str, Callable[[list[Any], Json], Any]]] = {
    "max": lambda values, _: max(_numbers(values), default=float("-inf")),
    "min": lambda values, _: min(_numbers(values), default=float("inf")),
}
