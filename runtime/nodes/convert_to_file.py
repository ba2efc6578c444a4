"""Convert to File: rows to a spreadsheet, JSON, a text or base64 to a file."""

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
    error_item,
    param,
)
from runtime.sandbox.spreadsheets import write_sheet
from runtime.values.calendar_event import CalendarError, calendar_event
from runtime.values.encodings import UnknownEncodingError, encode, from_base64
from runtime.values.javascript import describe_received, js_string, json_stringify, truthy
from runtime.values.paths import get
from schemas.item import UNDEFINED, PairedItem
from schemas.node import Conditions

_WITH_TYPES: Final = 1.1
_EVENT: Final[Conditions] = {"operation": ["iCal"]}
_BYTES: Final = "string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object"


Operation = Literal["csv", "html", "iCal", "toJson", "ods", "rtf", "toText", "xls", "xlsx", "toBinary"]


class ConvertToFile(Activity):
    """Spreadsheets and one JSON file take all items; the others make a file of each."""

    type = "n8n-nodes-base.convertToFile"
    versions = (1, 1.1)
    local = True

    operation: Operation = param("csv")
    mode: Literal["once", "each"] = param("once", show={"operation": ["toJson"]})
    source_property: Dynamic[str] = param("", show={"operation": ["toText", "toBinary"]}, required=True)
    title: Dynamic[str] = param("", show=_EVENT)
    start: Dynamic[Any] = param("", show=_EVENT, required=True)
    end: Dynamic[Any] = param("", show=_EVENT, required=True)
    all_day: Dynamic[bool] = param(default=False, show=_EVENT)
    binary_property_name: Dynamic[str] = param("data", required=True, label="Put Output File in Field")
    options: Dynamic[dict[str, Any]] = param({}, hide=_EVENT)
    additional_fields: Dynamic[dict[str, Any]] = param({}, show=_EVENT)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return items without JSON that have the file."""
        if self.operation not in get_args(Operation):
            return [[]]
        if self.operation in ("toText", "toBinary", "iCal") or (self.operation == "toJson" and self.mode != "once"):

            async def one(i: int, item: Item) -> Item:
                return await context.resolve(self, i).file(context, item)

            return await each_item_async(context, items, one)
        pairs: list[PairedItem] = [{"item": i} for i in range(len(items))]
        try:
            file_item = await context.resolve(self, 0).file_of_all(context, items)
        except NodeError as error:
            if not context.continue_on_fail or self.operation == "toJson":  # of JSON, n8n fails whatever onError says
                raise
            return [[{**error_item(error, 0), "pairedItem": pairs}]]
        return [[{**file_item, "pairedItem": pairs}]]

    async def file_of_all(self, context: ActivityContext, items: Items) -> Item:
        """Return one file of all items. Raise NodeError."""
        rows = [item["json"] for item in items]
        if self.operation == "toJson":
            data = self.encode_text(self.as_json(rows))
            return await self.item(context, data, "application/json", "file.json")
        data = await write_sheet(context, rows, self.operation, self.options)
        return await self.item(context, data, None, f"File.{self.operation}")

    async def file(self, context: ActivityContext, item: Item) -> Item:
        """Return a file of one item. Raise NodeError."""
        if self.operation == "iCal":
            return await self.event(context)
        if self.operation == "toJson":
            return await self.item(
                context, self.encode_text(self.as_json(item["json"])), "application/json", "file.json"
            )
        source: Any = self.source_property
        value = get(item["json"], js_string(source)) if truthy(source) else item["json"]
        if value is UNDEFINED:
            raise NodeError(f'The value in "{js_string(source)}" is not set')
        plain = isinstance(value, str) or (self.operation == "toText" and not isinstance(value, dict | list | None))
        if self.operation == "toText":
            mime = "text/plain" if plain else "application/json"
            text = (js_string(value) if value else "") if plain else json_stringify(value) or "null"
            return await self.item(context, self.encode_text(text), mime, "file.txt")
        return await self.item(context, *self.raw(context, value))

    async def event(self, context: ActivityContext) -> Item:
        """Return a calendar of one event. Raise NodeError."""
        given: Any = self.additional_fields
        fields = given if isinstance(given, dict) else {}
        uid = f"{context.random.getrandbits(128):032x}"
        try:
            text = calendar_event(
                self.title, self.start, self.end, fields, all_day=bool(self.all_day), uid=uid, now=context.now
            )
        except CalendarError as error:
            raise NodeError(str(error)) from error
        name = js_string(fields.get("fileName") or "") or "event.ics"
        return await self.item(context, text.encode(), "text/calendar", name)

    def raw(self, context: ActivityContext, value: Any) -> tuple[bytes, str | None]:
        """Return the bytes that base64 encodes (version 1: or a value as it is) and what is known of their type."""
        mime = self.options.get("mimeType") or None
        if context.version < _WITH_TYPES and self.options.get("dataIsBase64", True) is False:
            text = isinstance(value, str)
            content = value if text else json_stringify(value) or "null"
            whole = isinstance(value, dict | list)
            return self.encode_text(content), mime or ("application/json" if whole else None)
        if isinstance(value, list):
            return bytes(int(each) & 0xFF if isinstance(each, int | float) else 0 for each in value), mime
        if not isinstance(value, str):
            raise NodeError(f"The first argument must be of type {_BYTES}. Received {describe_received(value)}")
        return from_base64(value), mime

    def as_json(self, value: Any) -> str:
        """Return the value as JSON text, as wide as the options say."""
        return json_stringify(value, 2 if self.options.get("format") else 0) or "null"

    def encode_text(self, text: str) -> bytes:
        """Return the text in the chosen encoding. Raise NodeError."""
        try:
            encoding = self.options.get("encoding")  # n8n writes no byte order mark where none is chosen
            return encode(text, str(encoding or "utf8"), bom=bool(encoding and self.options.get("addBOM")))
        except UnknownEncodingError as error:
            raise NodeError(str(error)) from error

    async def item(self, context: ActivityContext, data: bytes, mime: str | None, default: str | None = None) -> Item:
        """Return an item with nothing but the file."""
        name = self.options.get("fileName") or None
        if name is not None and not isinstance(name, str):
            raise NodeError(f'The "path" argument must be of type string. Received {describe_received(name)}')
        ref = await context.blobs.write(data, mime_type=mime, file_name=name or default)
        if "fileName" not in ref:
            extension = ref.get("fileExtension")
            ref = {**ref, "fileName": f"file.{extension}" if extension else "file"}
        return {"json": {}, "binary": {self.binary_property_name: ref}}
