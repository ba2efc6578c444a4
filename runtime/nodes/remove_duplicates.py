"""Remove Duplicates: drops items that are alike within the input, or that earlier runs have seen."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final, Literal

from runtime.contract import (
    ActivityContext,
    Call,
    Command,
    Context,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    Inline,
    Items,
    NodeError,
    Outputs,
    Store,
    param,
)
from runtime.values.dates import parse_date
from runtime.values.javascript import js_number, js_string, json_stringify, property_order
from runtime.values.lists.duplicates import without_duplicates
from runtime.values.problem import ProblemError
from schemas.item import Json

_WITHIN_INPUT: Final = "removeDuplicateInputItems"
_SEEN: Final = "removeItemsSeenInPreviousExecutions"
_NULLS_OF_ANY_TYPE: Final = 1.1
_KEYS: Final = "removeItemsWithAlreadySeenKeyValues"
_NUMBERS: Final = "removeItemsUpToStoredIncrementalKey"

Compared = Literal["allFields", "allFieldsExcept", "selectedFields"]


def _within_input(context: Context, items: Items, compare: str, listed: str, options: dict[str, Any]) -> Outputs:
    nulls = context.version >= _NULLS_OF_ANY_TYPE
    return [without_duplicates(items, compare, listed, options, nulls=nulls)]


def _given(value: Any) -> Any:
    if value == "":
        raise NodeError("The `Value to Dedupe` On is empty. Please provide a value.")
    return value


class RemoveDuplicatesV1(Inline):
    """Removes duplicates within the input. An error ends the node, whatever On Error says."""

    type = "n8n-nodes-base.removeDuplicates"
    versions = (1, 1.1)
    exact_values = True

    compare: Dynamic[Compared] = param("allFields")
    fields_to_exclude: Dynamic[str] = param("", show={"compare": ["allFieldsExcept"]})
    fields_to_compare: Dynamic[str] = param("", show={"compare": ["selectedFields"]})
    options: Dynamic[dict[str, Any]] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the items without duplicates. The parameters are those of the first item."""
        try:
            p = context.resolve(self, 0)
            listed = p.fields_to_exclude if p.compare == "allFieldsExcept" else p.fields_to_compare
            return _within_input(context, items, p.compare, listed, p.options)
        except ProblemError as problem:
            raise NodeError(problem.message, description=problem.description) from problem


class RemoveDuplicates(Durable):
    """Removes duplicates within the input without any event; what earlier runs saw is one activity."""

    type = "n8n-nodes-base.removeDuplicates"
    versions = (2,)
    exact_values = True

    operation: Literal[
        "removeDuplicateInputItems", "removeItemsSeenInPreviousExecutions", "clearDeduplicationHistory"
    ] = param(_WITHIN_INPUT)
    compare: Dynamic[Compared] = param("allFields", show={"operation": [_WITHIN_INPUT]})
    fields_to_exclude: Dynamic[str] = param("", show={"compare": ["allFieldsExcept"]})
    fields_to_compare: Dynamic[str] = param("", show={"compare": ["selectedFields"]})
    logic: Literal[
        "removeItemsWithAlreadySeenKeyValues", "removeItemsUpToStoredIncrementalKey", "removeItemsUpToStoredDate"
    ] = param(_KEYS, show={"operation": [_SEEN]})
    dedupe_value: Dynamic[Any] = param(
        "", show={"logic": [_KEYS], "operation": [_SEEN]}, required=True, label="Value to Dedupe On"
    )
    incremental_dedupe_value: Dynamic[Any] = param("", show={"logic": [_NUMBERS], "operation": [_SEEN]})
    date_dedupe_value: Dynamic[Any] = param("", show={"logic": ["removeItemsUpToStoredDate"], "operation": [_SEEN]})
    mode: str = param("cleanDatabase", show={"operation": ["clearDeduplicationHistory"]})
    options: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """Return the outputs: new items, and those that were seen before."""
        del version
        return 2 if self.operation == _SEEN else 1

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Finish at once, or after one call that compares with earlier runs."""
        if self.operation != _WITHIN_INPUT:
            if event is None:
                return state, [Call("remembered", None)]
            if event.error is not None:
                raise NodeError(event.error["message"])
            places = event.value
            return state, [
                Done([[context.items[i] | {"pairedItem": {"item": i}} for i in chosen] for chosen in places])
            ]
        try:
            p = context.resolve(self, 0)
            listed = p.fields_to_exclude if p.compare == "allFieldsExcept" else p.fields_to_compare
            return state, [Done(_within_input(context, context.items, p.compare, listed, p.options))]
        except ProblemError as problem:
            if context.continue_on_fail:
                return state, [Done([[{"json": {"error": problem.message}}]])]
            raise NodeError(problem.message, description=problem.description) from problem

    async def remembered(self, context: ActivityContext, payload: Json) -> Json:
        """Return the places of the items for each output; new values are stored. Raise NodeError."""
        del payload
        items = next((each for each in context.inputs if each), [])
        per_node = self.options.get("scope", "node") == "node"
        scope = f"{context.workflow.get('id', '')}/{context.name if per_node else ''}"

        async def work(store: Store) -> Json:
            if self.operation != _SEEN:
                await store.note(scope, [])
                return [list(range(len(items)))]
            stored = await store.seen(scope)
            kind, known = (stored[0], stored[1:]) if stored else (self.logic, [])
            if kind != self.logic:
                raise NodeError(
                    "Deduplication Failed: Deduplication data was originally saved with an incompatible setting of the "
                    "‘Keep Items Where’ parameter. Try ’Clean Database’ operation to reset."
                )
            new, seen, noted = (
                self._keys(context, items, known) if self.logic == _KEYS else self._marks(context, items, known)
            )
            await store.note(scope, [self.logic, *noted])
            return [new, seen]

        return await context.data_store.run_once(work)

    def _keys(
        self, context: ActivityContext, items: Items, known: Sequence[str]
    ) -> tuple[list[int], list[int], list[str]]:
        """Values in groups, in the order in which JavaScript keeps them."""
        if len(known) + len(items) > self.options.get("historySize", 10_000):
            raise NodeError(
                "The number of items to be processed exceeds the maximum history size. Please increase the history size "
                "or reduce the number of items to be processed."
            )
        groups: dict[str, list[int]] = {}
        for i in range(len(items)):
            value = context.resolve(self, i).dedupe_value
            text = json_stringify(value) or "" if isinstance(value, dict | list) else js_string(value)
            groups.setdefault(text, []).append(i)
        noted, old = list(known), set(known)
        new: list[int] = []
        seen: list[int] = []
        for text in property_order(groups):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            if digest in old:
                seen += groups[text]
            else:
                new += groups[text]
                noted.append(digest)
        return new, seen, noted

    def _marks(
        self, context: ActivityContext, items: Items, known: Sequence[str]
    ) -> tuple[list[int], list[int], list[str]]:
        """Split into values above the highest that was seen, and the others."""
        read = self._number if self.logic == _NUMBERS else self._date
        before = float(known[0]) if known else None
        groups: dict[str, tuple[float, list[int]]] = {}
        for i in range(len(items)):
            text, mark = read(context, i)
            groups.setdefault(text, (mark, []))[1].append(i)
        new: list[int] = []
        seen: list[int] = []
        for text in property_order(groups):
            mark, places = groups[text]
            (new if before is None or mark > before else seen).extend(places)
        marks = [mark for mark, _ in groups.values()]
        highest = max([*marks, *([] if before is None else [before])], default=None)
        return new, seen, [] if highest is None else [repr(highest)]

    def _number(self, context: ActivityContext, i: int) -> tuple[str, float]:
        value = _given(context.resolve(self, i).incremental_dedupe_value)
        number = js_number(value)
        if number != number:  # noqa: PLR0124 - NaN
            raise NodeError(f"The value '{js_string(value)}' is not a number. Please provide a number.")
        return js_string(value), number

    def _date(self, context: ActivityContext, i: int) -> tuple[str, float]:
        value = _given(context.resolve(self, i).date_dedupe_value)
        at = parse_date(js_string(value), context.timezone, context.now)
        if at is None:
            raise NodeError(f"The value '{js_string(value)}' is not a valid date. Please provide a valid date.")
        return js_string(value), float(at.ms)
