"""Google Sheets 3 and later: spreadsheets that are created and deleted. An error of one item is the node's, as in n8n."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from runtime.contract import Items
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.google_sheets.node import options_of
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import truthy
from schemas.item import UNDEFINED

__all__ = ["create_spreadsheet", "delete_spreadsheet"]

_FILES: Final = "https://www.googleapis.com/drive/v3/files"


async def create_spreadsheet(run: Run) -> Items:
    """Create a spreadsheet per item, and return what the API answers. Raise NodeError."""

    async def work(i: int) -> Items:
        scope = await run.scope(i)
        answer = await run.request(scope, method="POST", json=_body(scope))
        return [{"json": answer, "pairedItem": {"item": i}}]

    return [each for i in range(len(run.items)) for each in await run.once(i, partial(work, i))]


def _body(scope: Scope) -> dict[str, Any]:
    collection, options = scope.parameters.get("sheetsUi"), options_of(scope)
    sheets = FILTERS["list"](collection.get("sheetValues") if isinstance(collection, Mapping) else UNDEFINED)
    return {
        "properties": {
            "title": scope.parameters.get("title", UNDEFINED),
            **{name: options[name] for name in ("autoRecalc", "locale") if truthy(options.get(name))},
        },
        "sheets": [
            {"properties": {name: each.get(name, UNDEFINED) for name in ("title", "hidden")}}
            for each in sheets
            if isinstance(each, Mapping)
        ],
    }


async def delete_spreadsheet(run: Run) -> Items:
    """Delete the spreadsheet of each item. Raise NodeError."""

    async def work(i: int) -> Items:
        scope = await run.scope(i)
        id_ = scope.located("documentId", scope.parameters.get("documentId", UNDEFINED))
        await run.request(scope, method="DELETE", url=f"{_FILES}/{segment(id_)}")
        return [{"json": {"success": True}, "pairedItem": {"item": i}}]

    return [each for i in range(len(run.items)) for each in await run.once(i, partial(work, i))]
