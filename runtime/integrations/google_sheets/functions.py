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
    delete,
    delete_spans,
    read,
    remove,
    sheet_properties,
)

__all__ = [
    "append", "append_or_update", "append_range", "clear", "clear_range", "create", "delete", "delete_spans", "lookup_range",
    "read", "read_range", "remove", "sheet_properties", "update", "update_range", "upsert_range",
]  # fmt: skip
