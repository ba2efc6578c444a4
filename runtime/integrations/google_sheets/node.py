"""What every operation of Google Sheets 3 and later reads from its node."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.google_sheets.sheet import Sheet, Spreadsheet
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "MAPPER_SINCE",
    "book_of",
    "entry_of",
    "input_option",
    "made_items",
    "mapper_of",
    "mode_of",
    "options_of",
    "own_items",
    "sheet_of",
]  # fmt: skip

_INPUT_OPTIONS_SINCE: Final = 4.1
"""The version from which values are written as a user would enter them."""
MAPPER_SINCE: Final = 4
"""The version that brought the mapper of columns."""


def book_of(run: Run, scope: Scope) -> Spreadsheet:
    """Return the spreadsheet that the node names. Raise NodeError."""
    locator = scope.parameters.get("documentId", UNDEFINED)
    try:
        id_ = scope.located("documentId", locator) if isinstance(locator, Mapping) else UNDEFINED
    except NodeError:  # of an address that names no document n8n asks without an id
        return Spreadsheet(run, scope, "")
    if id_ is UNDEFINED or id_ is None or id_ == "":
        mode = locator.get("mode") if isinstance(locator, Mapping) else None
        shown = "undefined" if mode is None else js_string(mode)
        raise NodeError(f"Can not get sheet '{shown}' with a value of '{js_string(id_)}'")
    return Spreadsheet(run, scope, js_string(id_))


async def sheet_of(run: Run, scope: Scope) -> Sheet:
    """Return the sheet that the node names, which is looked up. Raise NodeError."""
    book, locator = book_of(run, scope), scope.parameters.get("sheetName", "")
    mode = js_string(locator.get("mode", UNDEFINED)) if isinstance(locator, Mapping) else "id"
    return await Sheet.find(book, mode, js_string(scope.located("sheetName", locator)))


def options_of(scope: Scope) -> Mapping[str, Any]:
    """Return the options of an operation."""
    options = scope.parameters.get("options")
    return options if isinstance(options, Mapping) else {}


def entry_of(collection: Any) -> Mapping[str, Any]:
    """Return the entry of a fixed collection with one entry."""
    entry = collection.get("values") if isinstance(collection, Mapping) else None
    return entry if isinstance(entry, Mapping) else {}


def input_option(scope: Scope) -> str:
    """Return how values are written: RAW or USER_ENTERED."""
    default = "RAW" if scope.version < _INPUT_OPTIONS_SINCE else "USER_ENTERED"
    return js_string(options_of(scope).get("cellFormat") or default)


def mode_of(scope: Scope) -> str:
    """Return how items become rows: defineBelow, autoMapInputData or nothing."""
    if scope.version < MAPPER_SINCE:
        return js_string(scope.parameters.get("dataMode", "defineBelow"))
    return js_string(mapper_of(scope).get("mappingMode", "defineBelow"))


def mapper_of(scope: Scope) -> Mapping[str, Any]:
    """Return the mapper of columns."""
    columns = scope.parameters.get("columns")
    return columns if isinstance(columns, Mapping) else {}


def own_items(run: Run) -> Items:
    """Return the input items, each paired with itself."""
    return [{**item, "pairedItem": {"item": i}} for i, item in enumerate(run.items)]


def made_items(rows: list[dict[str, Any]]) -> Items:
    """Return rows as items, each paired with the input item of its place."""
    return [{"json": row, "pairedItem": {"item": i}} for i, row in enumerate(rows)]
