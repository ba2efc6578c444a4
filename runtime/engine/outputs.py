"""Complete a node's output before it is recorded: error routing, pairing, alwaysOutputData."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.item import Item, Items, Outputs
from schemas.plan import OnError, Step


def stamp(inputs: Sequence[Items | None]) -> list[Items | None]:
    """Return the inputs with every item cloned (its json is not) and paired with its own place in this input (n8n)."""
    return [
        None if items is None else [{**item, "pairedItem": _place(i, slot)} for i, item in enumerate(items)]  # type: ignore[typeddict-item]
        for slot, items in enumerate(inputs)
    ]


def _place(i: int, slot: int) -> dict[str, int]:
    return {"item": i, "input": slot} if slot else {"item": i}


def finish(
    step: Step, outputs: Outputs, given: Sequence[Items | None], uncut: Sequence[Items | None], original: Any
) -> Outputs:
    """Return the outputs as they are recorded.

    `given`: all inputs, those that the node does not have included; `uncut` are the inputs that it has, before "execute once"
    cut them. `original(item)` finds the input item that an error item stems from; None for data whose errors n8n does not route.
    """
    if step.on_error is OnError.OUTPUT and original is not None:
        outputs = split_errors(outputs, step.outputs, original)
    if len(given) == 1:
        pair(outputs, uncut)
    if step.always_output_data and not (outputs and outputs[0]):
        all_inputs: list[Any] = [
            {"item": i, "input": slot} for slot, items in enumerate(given) for i in range(len(items or ()))
        ]
        outputs = [[{"json": {}, "pairedItem": all_inputs}], *outputs[1:]]
    return [_unwrap(items) for items in outputs]


def split_errors(outputs: Outputs, count: int, original: Any) -> Outputs:
    """Move items that look like errors to the last of `count` outputs, with the json of their input.

    This is n8n's onError=continueErrorOutput.
    """
    regular: list[Items | None] = list(outputs[: count - 1])
    regular += [[] for _ in range(count - 1 - len(regular))]
    failed: Items = []
    for o, items in enumerate(regular):
        if items and any(_is_error(item) for item in items):
            failed += [_with_input(item, original(item)) for item in items if _is_error(item)]
            regular[o] = [item for item in items if not _is_error(item)]
    return [*regular, failed, *outputs[count:]]


_ERROR_KEYS: Final = {"error", "message", "details"}
"""Keys that an error item may have; one more makes it an ordinary item."""


def _is_error(item: Item) -> bool:
    json: Any = item["json"]
    return (
        bool(item.get("error"))
        or item.get("failed") is True
        or (isinstance(json, dict) and bool(json.get("error")) and json.keys() <= _ERROR_KEYS)
    )


def _with_input(item: Item, origin: Item | None) -> Item:
    item = {**item}
    item.pop("failed", None)
    if origin is None:
        return item
    return {**item, "json": {**origin["json"], **item["json"]}}


def _unwrap(items: Items | None) -> Items | None:
    """Return the items with `{error: message}` as json where an item has an `error`, or `{$error, $json}` as json."""
    for item in items or ():
        if "error" in item or _has_error_field(item["json"]):
            return [_with_message(each) for each in items or ()]
    return items


def _has_error_field(json: Any) -> bool:
    return isinstance(json, dict) and "$error" in json


def _with_message(item: Item) -> Item:
    error: Any = item.get("error")
    if error or isinstance(error, dict | list):
        fields = {"error": error["message"]} if isinstance(error, dict) and "message" in error else {}
        return {**item, "json": fields}
    json: Any = item["json"]
    if _has_error_field(json) and json.get("$error") and json.get("$json"):
        inner = json["$error"]
        return {**item, "json": {"error": inner.get("message") if isinstance(inner, dict) else inner}}
    return item


def pair(outputs: Outputs, inputs: Sequence[Items | None]) -> None:
    """Pair items without a pairing, in place, as n8n does: only where it considers the pairing unambiguous."""
    unpaired = [items for items in outputs if items and any("pairedItem" not in item for item in items)]
    if not unpaired or len(inputs) != 1 or inputs[0] is None:
        return
    count = len(inputs[0])
    filled = [items for items in outputs if items is not None]
    alone = len(filled) == 1
    to_first = count == 1 or (alone and len(filled[0]) == 1)
    if not to_first and not (alone and len(filled[0]) == count):
        return
    for items in unpaired:
        for i, item in enumerate(items):
            if "pairedItem" not in item:
                item["pairedItem"] = {"item": 0 if to_first else i}
