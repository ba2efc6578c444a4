"""Google Sheets: the functions that the descriptors name. `rows` and `sheets` are of versions 3 and later, `ranges` of 1 and 2."""

from runtime.integrations.google_sheets.ranges import (
    append_range,
    clear_range,
    lookup_range,
    read_range,
    update_range,
    upsert_range,
)
from runtime.integrations.google_sheets.rows import append, append_or_update, update
from runtime.integrations.google_sheets.sheets import (
    clear,
    create,
    created_sheet,
    delete,
    delete_spans,
    read,
    remove,
    sheet_properties,
)
from runtime.integrations.google_sheets.spreadsheets import create_spreadsheet, delete_spreadsheet

__all__ = [
    "append", "append_or_update", "append_range", "clear", "clear_range", "create", "create_spreadsheet", "created_sheet", "delete",
    "delete_spans", "delete_spreadsheet", "lookup_range",
    "read", "read_range", "remove", "sheet_properties", "update", "update_range", "upsert_range",
]  # fmt: skip
