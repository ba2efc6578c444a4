"""Move Binary Data (legacy; later Convert to File and Extract from File): a file to JSON and back."""

import base64
from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, param
from runtime.values.encodings import UnknownEncodingError, decode, encode, from_base64
from runtime.values.javascript import js_string, json_stringify, truthy
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.objects import safe_copy
from runtime.values.paths import get, set_path, unset
from schemas.item import UNDEFINED

_NAMED: Final = 1.1
_TO_JSON: Final = {"mode": ["binaryToJson"]}
_TO_BINARY: Final = {"mode": ["jsonToBinary"]}


class MoveBinaryData(Activity):
    """Items that lack what is to be moved are left out; what cannot be read stops the node, whatever onError says."""

    type = "n8n-nodes-base.moveBinaryData"
    versions = (1, 1.1)
    local = True

    mode: Dynamic[Literal["binaryToJson", "jsonToBinary"]] = param("binaryToJson")
    set_all_data: Dynamic[bool] = param(True, show=_TO_JSON)
    source_key: Dynamic[str] = param("data", show=_TO_JSON, required=True)
    destination_key: Dynamic[str] = param("data", show=_TO_JSON | {"setAllData": [False]}, required=True)
    convert_all_data: Dynamic[bool] = param(True, show=_TO_BINARY)
    value_key: Dynamic[str] = param(
        "data", alias="sourceKey", show=_TO_BINARY | {"convertAllData": [False]}, required=True
    )
    file_key: Dynamic[str] = param("data", alias="destinationKey", show=_TO_BINARY, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item for each, paired with its own."""
        out: Items = []
        for i, item in enumerate(items):
            node = context.resolve(self, i)
            if node.mode not in ("binaryToJson", "jsonToBinary"):
                raise NodeError(f'The operation "{js_string(node.given("mode"))}" is not known!')
            try:
                output = await (
                    node.to_json(context, item) if node.mode == "binaryToJson" else node.to_binary(context, item)
                )
            except (UnknownEncodingError, NotJsonError) as error:
                message = error.message if isinstance(error, NotJsonError) else str(error)
                raise NodeError(message, item=i) from error
            if output is not None:
                out.append({**output, "pairedItem": {"item": i}})
        return [out]

    async def to_json(self, context: ActivityContext, item: Item) -> Item | None:
        """Return the file's content as the item's JSON, or as a field of it.

        Raise NotJsonError, UnknownEncodingError.
        """
        ref = item.get("binary", {}).get(self.source_key)
        if ref is None:
            return None
        data = await context.blobs.read(ref)
        options = self.options
        text = decode(data, str(options.get("encoding") or "utf8"), strip_bom=options.get("stripBOM") is not False)
        json: Any
        if truthy(self.set_all_data):
            json = parse_json(text)
            if json is None:
                raise NodeError("Cannot read properties of null (reading '$error')")
        else:
            json = dict(item["json"])
            value = base64.b64encode(data).decode() if options.get("keepAsBase64") is True else text
            set_path(
                json, js_string(self.given("destination_key")), parse_json(value) if options.get("jsonParse") else value
            )
        other_files = dict(item["binary"])  # an empty one stays an object, as in n8n
        if options.get("keepSource") is not True:
            del other_files[self.source_key]
        return {"json": json, "binary": other_files}

    async def to_binary(self, context: ActivityContext, item: Item) -> Item | None:
        """Return the item's JSON, or a field of it, as a file. Raise UnknownEncodingError."""
        options, json = self.options, dict(item["json"])
        value: Any = json if truthy(self.convert_all_data) else get(json, js_string(self.value_key))
        if value is UNDEFINED:
            return None
        raw = options.get("useRawData") is True and options.get("dataIsBase64") is not True
        from64 = options.get("dataIsBase64") is True and options.get("useRawData") is not True
        if options.get("keepSource") is not True:
            if truthy(self.convert_all_data):
                json = {}
            else:
                json = safe_copy(json)
                unset(json, js_string(self.value_key))
        mime = options.get("mimeType") or None
        if from64:
            data = from_base64(js_string(value))
        else:
            plain = raw and not isinstance(value, dict | list)
            text = js_string(value) if plain else json_stringify(value) or "null"
            data = encode(text, str(options.get("encoding") or "utf8"), bom=options.get("addBOM") is True)
            mime = mime or (None if plain and context.version >= _NAMED else "application/json")
        if from64 and context.version < _NAMED:
            mime = mime or "application/json"
        ref = await context.blobs.write(data, mime_type=mime, file_name=options.get("fileName") or None)
        if context.version >= _NAMED and "fileName" not in ref:
            extension = ref.get("fileExtension")
            ref = {**ref, "fileName": f"file.{extension}" if extension else "file"}
        return {"json": json, "binary": {**item.get("binary", {}), self.file_key: ref}}
