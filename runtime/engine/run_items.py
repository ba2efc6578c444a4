"""A page of the items that a run of a node had before it or gave out, for people who look at it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from runtime.engine.node_runs import ForgottenRunError
from schemas.item import Items, NodeRun
from schemas.run import ItemsAnswer, ItemsPage, ItemView

__all__ = ["items_page"]

MAX_CHARACTERS: Final = 20_000
"""Characters of JSON that are shown of an item; of a longer one, the beginning of its text."""


FILE_MEMBERS: Final = ("fileName", "mimeType", "fileSize", "id")
CONTENTS: Final = ("data",)


def items_page(
    runs: Mapping[str, Sequence[NodeRun]], asked: ItemsPage, as_json: Callable[[Items], Items] = lambda items: items
) -> ItemsAnswer | None:
    """Return the page; None: the node has no such run, or what it had is no longer kept.

    Args:
        runs: node name -> its runs, as the engine has them.
        asked: which items.
        as_json: what takes members out that JSON does not know.
    """
    try:
        run = runs[asked.node][asked.run]
        outputs = run["outputs"] if asked.side == "output" else _inputs(runs, run)
    except (KeyError, IndexError, ForgottenRunError):
        return None
    items = (outputs[asked.index] if asked.index < len(outputs) else None) or []
    page = as_json(items[asked.since : asked.since + asked.limit])
    shown = [_view(each, contents=asked.contents) for each in page]
    return ItemsAnswer(counts=[len(each or ()) for each in outputs], items=shown)


def _inputs(runs: Mapping[str, Sequence[NodeRun]], run: NodeRun) -> list[Items | None]:
    found: list[Items | None] = []
    for source in run["source"]:
        if source is None:
            found.append(None)
            continue
        before = runs[source["previousNode"]][source.get("previousNodeRun", 0)]["outputs"]
        output = source.get("previousNodeOutput", 0)
        found.append(before[output] if output < len(before) else None)
    return found


def _view(item: Mapping[str, Any], *, contents: bool) -> ItemView:
    value = item["json"]
    text = json.dumps(value, ensure_ascii=False, default=str)
    files = {
        name: {key: file[key] for key in (FILE_MEMBERS + CONTENTS if contents else FILE_MEMBERS) if file.get(key)}
        for name, file in (item.get("binary") or {}).items()
    }
    if len(text) > MAX_CHARACTERS:
        return ItemView(beginning=text[:MAX_CHARACTERS] + "…", files=files)
    return ItemView(json_=value, files=files)
