"""Pinned items: n8n records the same objects for every run of a pinned node, so what they are paired with once they stay."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.item import Items, NodeRun, Outputs

__all__ = ["pinned_of", "share_pairings"]


def pinned_of(pins: Mapping[str, Any], runs: Mapping[str, Iterable[NodeRun]]) -> dict[str, Items]:
    """Return the pinned items of an execution, with the pairings that its runs have given them."""
    found: dict[str, Items] = {name: copy.deepcopy(items) for name, items in pins.items()}
    for name, items in found.items():
        for run in runs.get(name, ()):
            share_pairings(items, run["outputs"], ())
    return found


def share_pairings(pinned: Items, outputs: Outputs, earlier: Iterable[NodeRun]) -> bool:
    """Give the pinned items the pairings of a run's outputs, and the recorded items of earlier runs, too; return whether any changed."""
    first, changed = outputs[0] if outputs else None, False
    for i, (item, recorded) in enumerate(zip(pinned, first or (), strict=False)):
        if "pairedItem" in item or "pairedItem" not in recorded:
            continue
        changed = True
        item["pairedItem"] = recorded["pairedItem"]
        for run in earlier:
            before = run["outputs"][0] if run["outputs"] else None
            if before and i < len(before):
                before[i].setdefault("pairedItem", recorded["pairedItem"])
    return changed
