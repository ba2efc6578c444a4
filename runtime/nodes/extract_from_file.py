"""Extract from File: the rows of a spreadsheet, or a file's text, JSON or base64."""

import base64
from typing import Any, Final, Literal, get_args

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    each_item_async,
    param,
)
from runtime.sandbox.failures import SandboxLimitError
from runtime.sandbox.pdf import read_pdf
from runtime.sandbox.spreadsheets import FORMATS, read_csv, read_sheet, takes_head
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.calendar_file import CalendarFileError, read_calendar
from runtime.values.encodings import UnknownEncodingError, decode, detect
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.paths import set_path
from schemas.item import BinaryRef

_MOVED: Final = {"operation": ["binaryToPropery", "fromIcs", "fromJson", "text", "xml"]}


_FORMAT_NAMES: Final = ("csv", "fromJson", "html", "ods", "rtf", "xls", "xlsx")
"""Operations for which a file of another format is told as such where it cannot be read."""
_STRICT: Final = 1.1
"""From this version on a broken record of a CSV file is an error."""
Operation = Literal[
    "csv", "html", "fromIcs", "fromJson", "ods", "pdf", "rtf", "text", "xml", "xls", "xlsx", "binaryToPropery"
]


class ExtractFromFile(Activity):
    """An item per row, or the item with what is in the file under a field of its own."""

    type = "n8n-nodes-base.extractFromFile"
    versions = (1, 1.1)
    local = True

    operation: Operation = param("csv")
    binary_property_name: Dynamic[str] = param("data", required=True, label="Input Binary Field")
    destination_key: Dynamic[str] = param("data", show=_MOVED, required=True, label="Destination Output Field")
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Read each file in turn."""
        if self.operation not in get_args(Operation):
            return [[]]

        last: BinaryRef | None = None

        async def one(i: int, item: Item) -> list[Item]:
            nonlocal last
            node = context.resolve(self, i)
            try:
                ref = last = binary_of(item, node.binary_property_name, i)
            except NoBinaryError as error:
                missing = NodeError(error.message, description=error.description, item=i)
                # n8n then looks at the extension of the file that it read before
                raise (node.other_format(last, i, missing) if last else None) or missing from error
            head = node.operation == "csv" and takes_head(node.options)
            data = await (context.blobs.open(ref) if head else context.blobs.read(ref))
            try:
                if not isinstance(data, bytes):
                    rows = await read_csv(context, data, node.options, strict=context.version >= _STRICT)
                    return [{"json": row} for row in rows]
                return await node.extracted(context, item, data)
            except SandboxLimitError:  # a file that is too large is of the right format
                raise
            except NodeError as error:
                raise node.other_format(ref, i, error) or error from error

        return await each_item_async(context, items, one)

    async def extracted(self, context: ActivityContext, item: Item, data: bytes) -> list[Item]:
        """Return the items of a file. Raise NodeError for one that cannot be read."""
        if self.operation == "pdf":
            document = await read_pdf(context, data, self.options)
            return [self.output_item(item, {**item["json"], **document} if self.keeps_source("json") else document)]
        if self.operation in FORMATS:
            return [{"json": row} for row in await self.rows(context, data)]
        if self.operation == "fromIcs":  # a long calendar takes seconds
            return [await context.on_thread(self.with_content, item, data)]
        return [self.with_content(item, data)]

    def other_format(self, ref: BinaryRef, i: int, error: NodeError) -> NodeError | None:
        """Return the error of a file that cannot be read since it is of another format, as its extension tells (of what should
        be JSON: the words of the parser); else None.
        """
        extension = ref.get("fileExtension")
        wanted = expected = "JSON" if self.operation == "fromJson" else self.operation
        by_name = extension and extension != expected
        told = error.message.endswith("is not valid JSON") if self.operation == "fromJson" else by_name
        if self.operation not in _FORMAT_NAMES or not told:
            return None
        return NodeError(
            f"The file selected in 'Input Binary Field' is not in {wanted} format",
            description=f"Try to change the operation or select a {wanted} file in 'Input Binary Field'",
            item=i,
        )

    async def rows(self, context: ActivityContext, data: bytes) -> list[Any]:
        """Return the JSON of an item per row. Raise NodeError."""
        if self.operation == "csv":
            return await read_csv(context, data, self.options, strict=context.version >= _STRICT)
        rows = await read_sheet(context, data, self.operation, self.options)
        headed = self.operation == "rtf" or self.options.get("headerRow") is not False
        return rows if headed else [{"row": row} for row in rows]

    def with_content(self, item: Item, data: bytes) -> Item:
        """Return the item with the file's content in its JSON. Raise NodeError."""
        json: dict[str, Any] = dict(item["json"]) if self.keeps_source("json") else {}
        set_path(json, js_string(self.given("destination_key")), self.content(data))
        return self.output_item(item, json)

    def output_item(self, item: Item, json: dict[str, Any]) -> Item:
        """Return an item with this JSON, and with the file if the option Keep Source says so."""
        output: Item = {"json": json}
        binary: dict[str, BinaryRef] = dict(item.get("binary", {}))
        if not self.keeps_source("binary"):
            binary.pop(self.binary_property_name, None)
        return {**output, "binary": binary}  # an empty one stays an object, as in n8n

    def keeps_source(self, part: str) -> bool:
        """Return whether the option Keep Source keeps `part`: "json" or "binary"."""
        return self.options.get("keepSource") in (part, "both")

    def content(self, data: bytes) -> Any:
        """Return the content of the file. Raise NodeError."""
        if self.operation == "binaryToPropery":
            return base64.b64encode(data).decode()
        try:
            encoding = self.options.get("encoding")
            strip = not encoding or self.options.get("stripBOM") is not False
            text = decode(data, str(encoding or detect(data)), strip_bom=strip)
        except UnknownEncodingError as error:
            raise NodeError(str(error)) from error
        if self.operation == "fromIcs":
            return self.calendar(text)
        if self.operation != "fromJson":
            return text
        try:
            return parse_json(text) if text else {}
        except NotJsonError as error:
            raise NodeError(error.message) from error

    def calendar(self, text: str) -> dict[str, Any]:
        """Return what is in a calendar. Raise NodeError."""
        try:
            return read_calendar(text)
        except CalendarFileError as error:
            raise NodeError(str(error)) from error
