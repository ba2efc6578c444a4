"""Queries of authors over items, on the library that n8n uses: AlaSQL. A query may hold JavaScript, so it counts as an author's code."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from runtime.contract import ActivityContext
from runtime.sandbox.libraries import run_in_sandbox
from schemas.item import Items, PairedItem

__all__ = ["Rows", "run_query"]


class Rows(NamedTuple):
    """What a query gives."""

    rows: list[dict[str, Any]]
    paired: list[list[PairedItem]] | None
    """The items that each row comes from; None where that cannot be told."""


async def run_query(
    context: ActivityContext, query: str, inputs: Sequence[Items], parameters: list[Any], *, pairs: bool
) -> Rows:
    """Run a query over the items of each input, as the tables `input1`, `input2`, ...

    `parameters` are the values of its `?`, in order; `pairs`: find out where rows come from. Raise NodeError with the library's own
    message, or when a limit of Code nodes is hit.
    """
    request = {
        "query": query,
        "inputs": [[item["json"] for item in each] for each in inputs],
        "parameters": parameters,
        "pairs": pairs,
    }
    result = await run_in_sandbox(context, "alasql.min", _program(), request, mode="function")
    return Rows(result["rows"], result["paired"])


@cache
def _program() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
