"""What happens to a node's output before it is recorded: error routing, pairing, alwaysOutputData."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.item import Item, Items, Outputs
from schemas.plan import OnError, Step


def stamp(inputs: Sequence[Items | None]) -> list[Items | None]:
    """n8n: every input item is cloned (its json is not) and paired with its own place in this input."""
    return [
        None if items is None else [{**item, "pairedItem": _place(i, slot)} for i, item in enumerate(items)]  # type: ignore[typeddict-item]
        for slot, items in enumerate(inputs)
    ]


def _place(i: int, slot: int) -> dict[str, int]:
    return {"item": i, "input": slot} if slot else {"item": i}


def finish(step: Step, outputs: Outputs, inputs: Sequence[Items | None], original: Any) -> Outputs:
    """The outputs as they are recorded. `original(item)` finds the input item that an error item stems from; None for
    pinned data, whose errors n8n does not route.
    """
    if step.on_error is OnError.OUTPUT and original is not None:
        outputs = split_errors(outputs, step.outputs, original)
    pair(outputs, inputs)
    if step.always_output_data and not (outputs and outputs[0]):
        everything: list[Any] = [
            {"item": i, "input": slot} for slot, items in enumerate(inputs) for i in range(len(items or ()))
        ]
        outputs = [[{"json": {}, "pairedItem": everything}], *outputs[1:]]
    return [_unwrap(items) for items in outputs]


def split_errors(outputs: Outputs, count: int, original: Any) -> Outputs:
    """onError=continueErrorOutput: items that look like errors move to the last output, with the json of their input."""
    kept: list[Items | None] = list(outputs[: count - 1])
    kept += [[] for _ in range(count - 1 - len(kept))]
    failed: Items = []
    for o, items in enumerate(kept):
        if items and any(_is_error(item) for item in items):
            failed += [_with_input(item, original(item)) for item in items if _is_error(item)]
            kept[o] = [item for item in items if not _is_error(item)]
    return [*kept, failed, *outputs[count:]]


_ERROR_KEYS: Final = {"error", "message", "details"}
"""An item that has an error and nothing else than these is an error item."""


def _is_error(item: Item) -> bool:
    json: Any = item["json"]
    return bool(item.get("error")) or (
        isinstance(json, dict) and bool(json.get("error")) and json.keys() <= _ERROR_KEYS
    )


def _with_input(item: Item, origin: Item | None) -> Item:
    if origin is None:
        return item
    return {**item, "json": {**origin["json"], **item["json"]}}


def _unwrap(items: Items | None) -> Items | None:
    """Items with an `error` show `{error: message}`; `{$error, $json}` likewise."""
    for item in items or ():
        if "error" in item or _holds_error(item["json"]):
            return [_shown(each) for each in items or ()]
    return items


def _holds_error(json: Any) -> bool:
    return isinstance(json, dict) and "$error" in json


def _shown(item: Item) -> Item:
    error: Any = item.get("error")
    if error or isinstance(error, dict | list):
        shown = {"error": error["message"]} if isinstance(error, dict) and "message" in error else {}
        return {**item, "json": shown}
    json: Any = item["json"]
    if _holds_error(json) and json.get("$error") and json.get("$json"):
        inner = json["$error"]
        return {**item, "json": {"error": inner.get("message") if isinstance(inner, dict) else inner}}
    return item


def pair(outputs: Outputs, inputs: Sequence[Items | None]) -> None:
    """n8n's automatic pairing, in place, for items without one: only where it cannot be wrong, or so n8n thinks."""
    wanting = [items for items in outputs if items and any(item.get("pairedItem") is None for item in items)]
    if not wanting or len(inputs) != 1 or inputs[0] is None:
        return
    given = len(inputs[0])
    filled = [items for items in outputs if items is not None]
    alone = len(filled) == 1
    to_first = given == 1 or (alone and len(filled[0]) == 1)
    if not to_first and not (alone and len(filled[0]) == given):
        return
    for items in wanting:
        for i, item in enumerate(items):
            if item.get("pairedItem") is None:
                item["pairedItem"] = {"item": 0 if to_first else i}
