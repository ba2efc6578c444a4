"""Spreadsheet File (legacy; later Convert to File and Extract from File): rows of a file, or a file of all rows."""

from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    each_item_async,
    error_item,
    param,
)
from runtime.sandbox.failures import SandboxLimitError
from runtime.sandbox.spreadsheets import read_csv, read_sheet, write_sheet
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from runtime.values.written import as_written
from schemas.item import BinaryRef, PairedItem

_CSV_AS_TEXT: Final = 2
_FROM: Final = {"operation": ["fromFile"]}
_TO: Final = {"operation": ["toFile"]}
_OF_EVERY_FORMAT: Final = frozenset({"headerRow", "includeEmptyCells"})


class SpreadsheetFile(Activity):
    """Version 2 reads CSV files as text; version 1, and both for other formats, as a spreadsheet would."""

    type = "n8n-nodes-base.spreadsheetFile"
    versions = (1, 2)
    local = True

    operation: Literal["fromFile", "toFile"] = param("fromFile")
    read_format: Dynamic[Literal["autodetect", "csv", "html", "ods", "rtf", "xls", "xlsx"]] = param(
        "autodetect", alias="fileFormat", show=_FROM | {"@version": [2]}
    )
    write_format: Dynamic[Literal["csv", "html", "ods", "rtf", "xls", "xlsx"]] = param(
        "xls", alias="fileFormat", show=_TO
    )
    binary_property_name: Dynamic[str] = param("data", required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item per row, or one item with the file of all."""
        if self.operation == "toFile":
            return await context.resolve(self, 0).to_file(context, items)
        if self.operation != "fromFile" and context.version < _CSV_AS_TEXT:
            error = NodeError(f'The operation "{as_written(self.operation)}" is not supported!')
            if not context.continue_on_fail:
                raise error
            return [[{"json": {"error": error.message}}]]
        if self.operation != "fromFile":
            return [[]]

        async def one(i: int, item: Item) -> list[Item]:
            node = context.resolve(self, i)
            try:
                ref = binary_of(item, node.binary_property_name, i)
            except NoBinaryError as error:
                raise NodeError(error.message, description=error.description, item=i) from error
            try:
                return [{"json": row} for row in await node.rows(context, ref)]
            except SandboxLimitError:  # a file that is too large is of the right format
                raise
            except NodeError as error:
                raise node.other_format(context, ref, i) or error from error

        return await each_item_async(context, items, one)

    async def rows(self, context: ActivityContext, ref: BinaryRef) -> list[Any]:
        """Return the JSON of an item per row. Raise NodeError."""
        data = await context.blobs.read(ref)
        if context.version >= _CSV_AS_TEXT and self.read_format == "csv":
            return await read_csv(context, data, self.options)
        if context.version >= _CSV_AS_TEXT and self.read_format == "autodetect" and ref["mimeType"] == "text/csv":
            options = {key: value for key, value in self.options.items() if key in _OF_EVERY_FORMAT}
            return await read_csv(context, data, options)
        rows = await read_sheet(context, data, "xlsx", self.options)  # which shows every option
        return rows if self.options.get("headerRow") is not False else [{"row": row} for row in rows]

    def other_format(self, context: ActivityContext, ref: BinaryRef, i: int) -> NodeError | None:
        """Return the error of a file that cannot be read and whose extension is not the chosen format; version 1 has none."""
        extension = ref.get("fileExtension")
        if context.version < _CSV_AS_TEXT or not extension or extension == self.read_format:
            return None
        return NodeError(
            f"The file selected in 'Input Binary Field' is not in {js_string(self.read_format)} format", item=i
        )

    async def to_file(self, context: ActivityContext, items: Items) -> Outputs:
        """Return one item with the file, paired with all."""
        try:
            data = await write_sheet(context, [item["json"] for item in items], self.write_format, self.options)
        except NodeError as error:
            if not context.continue_on_fail:
                raise
            return [[error_item(error, 0)]]
        name = self.options.get("fileName") or f"spreadsheet.{self.write_format}"
        ref = await context.blobs.write(data, file_name=name)
        pairs: list[PairedItem] = [{"item": i} for i in range(len(items))]
        return [[{"json": {}, "binary": {self.binary_property_name: ref}, "pairedItem": pairs}]]
