"""Items that a retry is to begin with, edited by people who saw them with their secrets masked."""

from collections.abc import Sequence
from typing import Any, Final, cast

from runtime.values.json_bytes import DepthError, dumps_within_depth
from schemas.item import MAX_NESTING, Item, Items
from schemas.redact import redact_json
from service.errors import InputRefusedError

__all__ = ["MASK_DEPTH", "edited_items", "unmasked"]

MASK_DEPTH: Final = 50
"""Levels of an item in which secrets are masked where items are shown."""


def edited_items(before: Items, edited: Sequence[dict[str, Any]], *, masked: bool = False) -> Items:
    """Return items with the json of `edited`. The n-th has the files and the pairing of the n-th before.

    Args:
        before: the items that the node had.
        edited: the json of those that it is to have.
        masked: who edited them saw secrets masked; what was left as it was shown stays what it is.

    Raises:
        InputRefusedError: they are nested too deep.
    """
    try:
        dumps_within_depth(edited, MAX_NESTING + 2)
    except DepthError as error:
        raise InputRefusedError(f"The input is nested deeper than {MAX_NESTING} levels. Flatten it.") from error
    return [
        _edited(before[place] if place < len(before) else None, value, masked) for place, value in enumerate(edited)
    ]


def _edited(before: Item | None, value: dict[str, Any], masked: bool) -> Item:
    if before is None:
        return {"json": value}
    json = unmasked(value, redact_json(before["json"], depth=MASK_DEPTH), before["json"]) if masked else value
    return cast("Item", {**before, "json": json})


def unmasked(edited: Any, shown: Any, original: Any) -> Any:
    """Return `edited` with what is as it was shown replaced by what it is."""
    if edited == shown:
        return original
    if isinstance(edited, dict) and isinstance(shown, dict) and isinstance(original, dict):
        return {
            key: unmasked(value, shown[key], original[key]) if key in shown and key in original else value
            for key, value in edited.items()
        }
    if isinstance(edited, list) and isinstance(shown, list) and isinstance(original, list):
        known = min(len(shown), len(original))
        return [
            unmasked(value, shown[place], original[place]) if place < known else value
            for place, value in enumerate(edited)
        ]
    return edited
