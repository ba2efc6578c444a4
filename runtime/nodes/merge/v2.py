"""Merge from version 2 on."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, ClassVar, Literal, get_args

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, param
from runtime.nodes.merge.clash_handling import Clash, combine, suffixed
from runtime.nodes.merge.join import JoinResult, check_present, join
from runtime.values.lists.fields import text_parts
from runtime.values.objects import members
from runtime.values.problem import ProblemError

FIELDS = {"values": [{"field1": "", "field2": ""}]}
COMBINATIONS = ("mergeByFields", "mergeByPosition", "multiplex")
JoinMode = Literal["keepMatches", "keepNonMatches", "keepEverything", "enrichInput1", "enrichInput2"]


class _Merge(Inline):
    """The join by fields, common to versions 2 and 3."""

    def by_fields(self, context: Context, p: Any, fields: list[tuple[str, str]], one: Items, two: Items) -> Outputs:
        """Return items whose fields agree, joined as the mode says; no output at all where an empty input leaves
        nothing, and an empty one for a mode that n8n does not have.
        """
        options = p.options or {}
        dots = not options.get("disableDotNotation")
        if context.version < 2.1:
            check_present(one, [name for name, _ in fields], 1, dots=dots)
            check_present(two, [name for _, name in fields], 2, dots=dots)
        if not one or not two:
            only = _one_sided(p.join_mode, p.output_data_from, one, two)
            return [only] if only or context.version < 3 or p.join_mode == "keepNonMatches" else []
        if p.join_mode not in get_args(JoinMode):
            return [[]]
        joined = join(
            one,
            two,
            fields,
            dots=dots,
            fuzzy=bool(options.get("fuzzyCompare")),
            first=options.get("multipleMatches") == "first",
        )
        last = "preferLast" if context.version >= 3 else "preferInput2"
        default = "preferInput1" if p.join_mode == "enrichInput2" else last
        return [_items_of_mode(p, joined, _effective_clash(context.version, Clash.of(options, default)))]


def _effective_clash(version: float, clash: Clash) -> Clash | None:
    """None: version 3 does not know preferInput2 here, and version 2 not preferLast: they give empty items. Version 2 takes
    anything else that it does not know for its default.
    """
    if clash.resolve == ("preferInput2" if version >= 3 else "preferLast"):
        return None
    if version < 3 and clash.resolve not in ("addSuffix", "preferInput1", "preferInput2"):
        return Clash("preferLast")
    return clash


def _one_sided(mode: str, source: str, one: Items, two: Items) -> Items:
    """Return the items when one input is empty."""
    if mode == "keepMatches" or (mode == "enrichInput1" and not one) or (mode == "enrichInput2" and not two):
        return []
    if mode == "keepNonMatches" and ((source == "input1" and not one) or (source == "input2" and not two)):
        return []
    return one or two


def _items_of_mode(p: Any, joined: JoinResult, known: Clash | None) -> Items:
    clash = known or Clash()
    if p.join_mode == "keepNonMatches":
        if p.output_data_from == "input1":
            return joined.left
        if p.output_data_from == "input2":
            return joined.right
        if p.output_data_from != "both":
            return []
        return [*_marked(joined.left, "input1"), *_marked(joined.right, "input2")]
    if p.join_mode == "keepMatches" and p.output_data_from != "both":
        first = [item for item, _ in joined.matched]
        return {"input1": first, "input2": joined.right_matched}.get(str(p.output_data_from), [])
    pairs = [[item, partner] for item, partners in joined.matched for partner in partners]
    merged: Items = [combine(pair, clash) if known else {"json": {}, "pairedItem": []} for pair in pairs]
    left = _numbered(joined.left, 0, clash) if p.join_mode in ("keepEverything", "enrichInput1") else []
    right = _numbered(joined.right, 1, clash) if p.join_mode in ("keepEverything", "enrichInput2") else []
    return [*merged, *left, *right]


def _marked(items: Items, source: str) -> Items:
    return [{**item, "json": {**members(item["json"]), "_source": source}} for item in items]


def _numbered(items: Items, i: int, clash: Clash) -> Items:
    if clash.resolve != "addSuffix":
        return items
    return [{**item, "json": suffixed(members(item["json"]), i)} for item in items]


def _by_position(inputs: Sequence[Items], options: dict[str, Any], version: float) -> Items:
    clash = Clash.of(options)
    if version < 3:
        clash = _effective_clash(version, clash) or Clash("preferLast")
        if not all(inputs):
            return [item for items in inputs for item in items]
    again = version >= 3
    if options.get("includeUnpaired"):
        rows = [[item for item in row if item is not None] for row in zip_longest(*inputs)]
        return [_row(list(row), clash, again=again) for row in zip_longest(*inputs)] if rows else []
    return [combine(row, clash, again=again) for row in zip(*inputs, strict=False)]


def _row(row: list[Item | None], clash: Clash, *, again: bool) -> Item:
    present = [item for item in row if item is not None]
    if clash.resolve == "addSuffix":
        merged = combine(present, Clash("preferLast"))
        json: dict[str, Any] = {}
        for i, item in enumerate(row):
            if item is not None:
                json.update(suffixed(members(item["json"]), i))
        last = row[-1]
        if again and last is not None:  # n8n merges the preferred input once more, without its suffix
            merged = combine([*present, last], Clash("preferLast"))
            json.update(members(last["json"]))
        return {**merged, "json": json} if again or len(present) > 1 else {**present[0], "json": json}
    merged = combine([item if item is not None else {"json": {}} for item in row], clash, again=again)
    if not again and len(present) == 1 and "pairedItem" in present[0]:
        merged["pairedItem"] = present[0]["pairedItem"]  # an item without a partner stays what it was
    return merged


def _all_with_all(one: Items, two: Items, options: dict[str, Any], version: float) -> Items:
    """Return every pair; with preferInput1 the inputs change places, and so does the outer loop."""
    clash = Clash.of(options)
    if version < 3:
        clash = _effective_clash(version, clash) or Clash("preferLast")
    if clash.resolve == "preferInput1":
        swapped = Clash("preferLast", clash.deep, clash.keep_filled)
        return [combine([b, a], swapped) for b in two for a in one]
    return [combine([a, b], clash) for a in one for b in two]


class MergeV3(_Merge):
    """Merge, since version 3: up to ten inputs. `by_sql` has the mode SQL."""

    type = "n8n-nodes-base.merge"
    versions = (3, 3.1, 3.2)
    exact_values = True
    when: ClassVar = {"mode": [{"_cnd": {"not": "combineBySql"}}]}
    input_count = 2

    mode: Dynamic[Literal["append", "combine", "combineBySql", "chooseBranch"]] = param("append")
    combine_by: Dynamic[Literal["combineByFields", "combineByPosition", "combineAll"]] = param(
        "combineByFields", show={"mode": ["combine"]}
    )
    number_inputs: int = param(2, show={"mode": ["append", "combine", "chooseBranch"]})
    advanced: Dynamic[bool] = param(default=False, show={"mode": ["combine"], "combineBy": ["combineByFields"]})
    fields_to_match_string: Dynamic[str] = param(
        "", show={"advanced": [False], "mode": ["combine"], "combineBy": ["combineByFields"]}
    )
    merge_by_fields: Dynamic[dict[str, Any]] = param(
        FIELDS, show={"advanced": [True], "mode": ["combine"], "combineBy": ["combineByFields"]}
    )
    join_mode: Dynamic[JoinMode] = param("keepMatches", show={"mode": ["combine"], "combineBy": ["combineByFields"]})
    output_data_from: Dynamic[Literal["both", "input1", "input2"]] = param(
        "both",
        show={"joinMode": ["keepMatches", "keepNonMatches"], "mode": ["combine"], "combineBy": ["combineByFields"]},
    )
    choose_branch_mode: Dynamic[Literal["waitForAll"]] = param("waitForAll", show={"mode": ["chooseBranch"]})
    output: Dynamic[Literal["specifiedInput", "empty"]] = param("specifiedInput", show={"mode": ["chooseBranch"]})
    use_data_of_input: Dynamic[Any] = param(1, show={"output": ["specifiedInput"], "mode": ["chooseBranch"]})
    options: Dynamic[dict[str, Any]] = param({}, show={"mode": ["combine"]})

    def required_inputs(self, version: float) -> int | tuple[int, ...]:
        """Return the inputs that must have run: both for Choose Branch, else one."""
        del version
        return (0, 1) if self.mode == "chooseBranch" else 1

    def run(self, context: Context, items: Items) -> Outputs:
        """Merge all inputs at once; parameters are those of the first item."""
        del items
        p = context.resolve(self, 0)
        inputs = [each or [] for each in context.inputs]
        if p.mode == "append":
            return [[item for each in inputs for item in each]]
        if p.mode == "chooseBranch":
            return [p.chosen_input(inputs)]
        if p.mode != "combine" or p.combine_by not in ("combineAll", "combineByFields", "combineByPosition"):
            raise NodeError("Cannot read properties of undefined (reading 'execute')")
        inputs += [[] for _ in range(2 - len(inputs))]
        if p.combine_by == "combineAll":
            return [_all_with_all(inputs[0], inputs[1], p.options or {}, context.version)]
        if p.combine_by == "combineByPosition":
            count = int(p.number_inputs or 2)
            padded = inputs[:count] + [[] for _ in range(count - len(inputs))]
            return [_by_position(padded, p.options or {}, context.version)]
        return p.by_fields(context, p, p.fields(), inputs[0], inputs[1])

    def fields(self) -> list[tuple[str, str]]:
        """Return pairs (field of input 1, field of input 2). Raise NodeError."""
        if self.advanced:
            pairs = [
                (str(each.get("field1", "")), str(each.get("field2", "")))
                for each in self.merge_by_fields.get("values", [])
            ]
        else:
            try:
                names = text_parts(self.given("fields_to_match_string"))
            except ProblemError as problem:
                raise NodeError(problem.message) from problem
            pairs = [(name, name) for name in names] or [("", "")]
        return _complete(pairs)

    def chosen_input(self, inputs: list[Items]) -> Items:
        """Return one input as it is, or one empty item."""
        if self.output not in ("empty", "specifiedInput"):
            return []
        if self.output == "empty":
            return [{"json": {}, "pairedItem": _everything(inputs)}]
        if self.use_data_of_input is None:
            return []
        number = int(self.use_data_of_input or 1)
        declared = max(len(inputs), int(self.number_inputs or 2))  # an input without a wire is there, and empty
        if not 0 < number <= declared:
            raise NodeError(
                f"Input {number} doesn't exist",
                description=f"The node has only {declared} inputs, so selecting input {number} is not possible.",
            )
        return inputs[number - 1] if number <= len(inputs) else []


def _everything(inputs: list[Items]) -> Any:
    """Return the pairing of an empty result: n8n pairs it with the items of its first two inputs."""
    return [{"item": i, "input": slot} for slot, items in enumerate(inputs[:2]) for i in range(len(items))]


def _complete(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs: without any, nothing matches. Raise NodeError for one that lacks a name."""
    if len(pairs) == 1 and not any(pairs[0]):
        raise NodeError('You need to define at least one pair of fields in "Fields to Match" to match on')
    for i, (a, b) in enumerate(pairs):
        if not a or not b:
            one, other = f"field 1 = '{a}'", f"field 2 = '{b}'"
            raise NodeError(
                f'You need to define both fields in "Fields to Match" for pair {i + 1},\n\t\t\t\t {one}\n\t\t\t\t {other}'
            )
    return pairs


class MergeV2(_Merge):
    """Merge, version 2: two inputs."""

    type = "n8n-nodes-base.merge"
    versions = (2, 2.1)
    exact_values = True
    input_count = 2

    mode: Dynamic[Literal["append", "combine", "chooseBranch"]] = param("append")
    combination_mode: Dynamic[Literal["mergeByFields", "mergeByPosition", "multiplex"]] = param(
        "mergeByFields", show={"mode": ["combine"]}
    )
    merge_by_fields: Dynamic[dict[str, Any]] = param(
        FIELDS, show={"mode": ["combine"], "combinationMode": ["mergeByFields"]}
    )
    join_mode: Dynamic[JoinMode] = param(
        "keepMatches", show={"mode": ["combine"], "combinationMode": ["mergeByFields"]}
    )
    output_data_from: Dynamic[Literal["both", "input1", "input2"]] = param(
        "both",
        show={"mode": ["combine"], "combinationMode": ["mergeByFields"], "joinMode": ["keepMatches", "keepNonMatches"]},
    )
    choose_branch_mode: Dynamic[Literal["waitForBoth"]] = param("waitForBoth", show={"mode": ["chooseBranch"]})
    output: Dynamic[Literal["input1", "input2", "empty"]] = param(
        "input1", show={"mode": ["chooseBranch"], "chooseBranchMode": ["waitForBoth"]}
    )
    options: Dynamic[dict[str, Any]] = param({}, hide={"mode": ["chooseBranch", "append"]})

    def required_inputs(self, version: float) -> int | tuple[int, ...]:
        """Return the inputs that must have run: both for Choose Branch, else one."""
        del version
        return (0, 1) if self.mode == "chooseBranch" else 1

    def run(self, context: Context, items: Items) -> Outputs:
        """Merge both inputs at once."""
        del items
        p = context.resolve(self, 0)
        inputs = [each or [] for each in context.inputs]
        inputs += [[] for _ in range(2 - len(inputs))]
        if p.mode == "append":
            return [[*inputs[0], *inputs[1]]]
        if p.mode == "chooseBranch":
            empty: Items = [{"json": {}, "pairedItem": _everything(inputs)}]
            return [{"empty": empty, "input1": inputs[0], "input2": inputs[1]}.get(p.output, [])]
        if str(p.mode) != "combine" or p.combination_mode not in COMBINATIONS:
            return [[]]
        if p.combination_mode == "multiplex":
            return [_all_with_all(inputs[0], inputs[1], p.options or {}, context.version)]
        if p.combination_mode == "mergeByPosition":
            return [_by_position(inputs, p.options or {}, context.version)]
        pairs = [
            (str(each.get("field1", "")), str(each.get("field2", ""))) for each in p.merge_by_fields.get("values", [])
        ]
        return p.by_fields(context, p, _complete(pairs), inputs[0], inputs[1])
