"""Compare Datasets: what is only in A, the same in both, different, only in B."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, param
from runtime.nodes.merge.join import Pairs, Rows, check_present, reader
from runtime.values.equality import fuzzy_equal, strictly_equal
from runtime.values.javascript import js_string, truthy
from runtime.values.paths import get, unset
from schemas.item import UNDEFINED, PairedItem

_FIELDS: Final = {"values": [{"field1": "", "field2": ""}]}
_FUZZY_OUTSIDE = _INPUTS_HAVE_LETTERS = 2
_LENIENT: Final = 2.2
Resolve = Literal["preferInput1", "preferInput2", "mix", "includeBoth"]
Same = Callable[[Any, Any], bool]


class CompareDatasets(Inline):
    """Items of A and B that agree in the fields to match, compared field by field."""

    type = "n8n-nodes-base.compareDatasets"
    versions = (1, 2, 2.1, 2.2, 2.3)
    exact_values = True
    input_count = 2

    info_box: str = param("")
    merge_by_fields: Dynamic[dict[str, Any]] = param(_FIELDS)
    resolve_1: Dynamic[Resolve] = param("preferInput2", alias="resolve", show={"@version": [1, 2]})
    resolve_2: Dynamic[Resolve] = param("includeBoth", alias="resolve", hide={"@version": [1, 2]})
    fuzzy_compare: Dynamic[bool] = param(False, hide={"@version": [1]})
    prefer_when_mix: Dynamic[Literal["input1", "input2"]] = param("input1", show={"resolve": ["mix"]})
    except_when_mix: Dynamic[str] = param("", show={"resolve": ["mix"]})
    options: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """Return the four outputs: in A only, same, different, in B only."""
        del version
        return 4

    def required_inputs(self, version: float) -> int:
        """Return that one input is enough."""
        del version
        return 1

    def run(self, context: Context, items: Items) -> Outputs:
        """Compare all items of both inputs but empty ones; parameters are those of the first item."""
        del items
        one, two = (_filled(given or []) for given in (*context.inputs, None, None)[:2])
        node = context.resolve(self, 0)
        pairs = node.pairs(context, [item for _, item in one], [item for _, item in two])
        same, dots = node.comparison(context), node.dots
        read = reader(dots)
        rows = Rows([[read(item, name) for _, name in pairs] for _, item in two], same)
        first = node.options.get("multipleMatches") != "all"
        used: set[int] = set()
        left: Items = []
        equal: Items = []
        different: Items = []
        for i, item in one:
            values = [read(item, name) for name, _ in pairs]
            matches = [] if any(value is UNDEFINED for value in values) else rows.matches(values, first=first)
            if not matches:
                left.append({**item, "pairedItem": {"item": i}})
            used.update(matches)
            for j in matches:
                node.compare(context, (i, item), two[j], equal, different)
        right: Items = [{**item, "pairedItem": _second(j)} for row, (j, item) in enumerate(two) if row not in used]
        return [left, equal, different, right]

    @property
    def dots(self) -> bool:
        """Return whether names are paths."""
        return not self.options.get("disableDotNotation")

    def comparison(self, context: Context) -> Same:
        """Return the function that compares two values."""
        fuzzy = self.options.get("fuzzyCompare") if context.version < _FUZZY_OUTSIDE else self.fuzzy_compare
        if not fuzzy:
            return strictly_equal
        return fuzzy_equal if context.version < _FUZZY_OUTSIDE else _fuzzier_equal

    def pairs(self, context: Context, one: Items, two: Items) -> Pairs:
        """Return the fields to match. Raise NodeError."""
        entries = self.merge_by_fields.get("values") or []
        pairs = [(js_string(each.get("field1", "")), js_string(each.get("field2", ""))) for each in entries]
        _check_pairs(pairs)
        if context.version < _LENIENT:
            for which, items, place in (("A", one, 0), ("B", two, 1)):
                if items:
                    check_present(items, [pair[place] for pair in pairs], which, dots=self.dots)
        for name in self.skipped_fields():
            if "." in name and not self.dots:
                raise NodeError(f"Dot notation is disabled, but field to skip comparing '{name}' contains dot")
        return pairs

    def compare(
        self, context: Context, a: tuple[int, Item], b: tuple[int, Item], equal: Items, different: Items
    ) -> None:
        """Put a pair of matching items where it belongs."""
        (i, first), (j, second) = a, b
        same, resolve = self.comparison(context), self.resolution(context)
        one, two = first["json"], second["json"]
        if _alike(self.without(one), self.without(two), same):
            from_two = same is not strictly_equal and resolve == "preferInput2"
            equal.append({**(second if from_two else first), "pairedItem": _second(j) if from_two else {"item": i}})
        elif resolve not in ("mix", "preferInput1", "preferInput2"):  # both, or what the node does not know
            both: list[PairedItem] = [{"item": i}, _second(j)]
            different.append({"json": self.describe(context, one, two), "pairedItem": both})
        elif resolve == "mix":
            from_two = self.prefer_when_mix != "input1"
            self.mix(*((two, one) if from_two else (one, two)))
            different.append({**(second if from_two else first), "pairedItem": _second(j) if from_two else {"item": i}})
        else:
            from_two = resolve == "preferInput2"
            different.append({**(second if from_two else first), "pairedItem": _second(j) if from_two else {"item": i}})

    def resolution(self, context: Context) -> str:
        """Return which version of two different items to give."""
        return self.resolve_1 if context.version <= 2 else self.resolve_2

    def skipped_fields(self) -> list[str]:
        """Return the fields that do not count: without a list the one whose name is empty, as in n8n."""
        return [name.strip() for name in str(self.options.get("skipFields") or "").split(",")]

    def without(self, json: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON without the fields that do not count."""
        rest = dict(json)
        for name in self.skipped_fields():
            if self.dots:
                unset(rest, name)
            else:
                rest.pop(name, None)
        return rest

    def describe(self, context: Context, one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is the same and what differs, by field."""
        same, skipped = self.comparison(context), self.skipped_fields()
        old = context.version < _INPUTS_HAVE_LETTERS
        names = ("input1", "input2") if old else ("inputA", "inputB")
        result: dict[str, Any] = {"keys": {}, "same": {}, "different": {}}
        matched = {str(each.get("field1")) for each in self.merge_by_fields.get("values") or []}
        for key in {**one, **two}:
            if key == "__proto__":  # JavaScript makes it the prototype, which is no field
                continue
            a, b = one.get(key, UNDEFINED), two.get(key, UNDEFINED)
            if key in matched and a is not UNDEFINED:
                result["keys"][key] = a
            if same(a, b) and not (old and (a is UNDEFINED or b is UNDEFINED)):
                if a is not UNDEFINED:
                    result["same"][key] = a
                continue
            is_listed = truthy if old else _defined
            pair = {name: value if is_listed(value) else None for name, value in zip(names, (a, b), strict=True)}
            result.setdefault("skipped" if key in skipped else "different", {})[key] = pair
        return result

    def mix(self, preferred: dict[str, Any], other: Mapping[str, Any]) -> None:
        """Write fields of the other item into the preferred one. As in n8n the input item itself changes."""
        for name in (each.strip() for each in str(self.except_when_mix or "").split(",")):
            if not name:
                continue
            if self.dots:
                value = get(other, name)
                preferred[name] = None if value is UNDEFINED else value
            elif name in other:
                preferred[name] = other[name]
            else:
                preferred.pop(name, None)


def _filled(items: Items) -> list[tuple[int, Item]]:
    """Return the items that have a field, by their places."""
    return [(i, item) for i, item in enumerate(items) if item["json"]]


def _check_pairs(pairs: Pairs) -> None:
    """Raise NodeError for a pair that lacks a field."""
    for number, (a, b) in enumerate(pairs, 1):
        if not a and not b and len(pairs) == 1:
            raise NodeError('You need to define at least one pair of fields in "Fields to Match" to match on')
        if not a or not b:
            fields = f"\n\t\t\t\t field 1 = '{a}'\n\t\t\t\t field 2 = '{b}'"
            raise NodeError(f'You need to define both fields in "Fields to Match" for pair {number},{fields}')


def _alike(one: Mapping[str, Any], two: Mapping[str, Any], same: Same) -> bool:
    return all(same(one.get(key, UNDEFINED), two.get(key, UNDEFINED)) for key in {**one, **two})


def _fuzzier_equal(a: Any, b: Any) -> bool:
    """From version 2 on null is also 0."""
    return fuzzy_equal(a, b) or (a is None and _is_zero(b)) or (b is None and _is_zero(a))


def _is_zero(value: Any) -> bool:
    return value == "0" or (value == 0 and not isinstance(value, bool))


def _defined(value: Any) -> bool:
    return value is not UNDEFINED


def _second(j: int) -> PairedItem:
    return {"item": j, "input": 1}
