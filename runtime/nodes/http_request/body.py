"""HTTP Request 3 and later: the body's parameters to a request body."""

from typing import Any

from runtime.contract import ActivityContext, BinaryRef, Item, NodeApiError, NodeError
from runtime.http import Bytes, Form, Json, Multipart, Part, parse_form
from runtime.http.body import FORM, JSON, Body, field_part
from runtime.nodes.http_request.call import RequestFailed
from runtime.nodes.http_request.fields import by_name, is_missing, pairs, parse_field
from runtime.nodes.http_request.parameters import HttpRequestParameters
from runtime.values.javascript import js_string, json_stringify
from runtime.values.paths import set_path
from schemas.item import UNDEFINED

_NESTS_NAMES = 4
_REPEATS_PARTS = 4.2


async def build_body(
    node: HttpRequestParameters, written: HttpRequestParameters, context: ActivityContext, item: Item, i: int
) -> tuple[Body, str | None]:
    """Return the body and the content type that it sets. Raise NodeError."""
    match node.content_type:
        case "form-urlencoded":
            return _form(node, written, context.version), FORM
        case "multipart-form-data":
            return await _multipart(node, written, context, item, i), None
        case "binaryData":
            ref = binary_of(item, node.input_data_field_name, i)
            return Bytes(await context.blobs.open(ref), ref.get("mimeType")), ref.get("mimeType") or FORM
        case "raw":
            return _raw(node.raw_body), js_string(node.raw_content_type or "")
        case _:
            return _json(node, written, context.version, i), None


def as_text(body: Json) -> Body:
    """Return the body that goes out where n8n asks for JSON or text: a scalar as its JSON, which axios refuses otherwise."""
    value = body.value
    return body if value is UNDEFINED or isinstance(value, dict | list) else Bytes(json_stringify(value) or "", JSON)


def _json(node: HttpRequestParameters, written: HttpRequestParameters, version: float, i: int) -> Json:
    if node.specify_json == "json":
        value = node.json_body
        if isinstance(value, dict | list):
            return Json(value)
        if value is None and not node.is_undefined("json_body"):
            return Json(None)
        return Json(parse_field(UNDEFINED if value is None else value, "JSON Body", i))
    body: dict[str, Any] = {}
    for each in pairs(node.json_pairs, written.json_pairs):
        name, value = js_string(each["name"]), each["value"]
        if version >= _NESTS_NAMES:
            set_path(body, name, value)
        else:
            body[name] = value
    return Json(body)


def _form(node: HttpRequestParameters, written: HttpRequestParameters, version: float) -> Form:
    if node.specify_form == "string":
        return Form(dict(parse_form(js_string(node.form_text))))
    return Form(by_name(pairs(node.form_pairs, written.form_pairs), version))


def _raw(value: Any) -> Body:
    if isinstance(value, dict | list):
        return Json(value)
    text = "" if is_missing(value) else js_string(value)
    return Json(text) if text else Bytes("")  # under a JSON content type axios makes JSON of a text that is none


async def _multipart(
    node: HttpRequestParameters, written: HttpRequestParameters, context: ActivityContext, item: Item, i: int
) -> Multipart:
    entries = pairs(node.multipart_pairs, written.multipart_pairs)
    if context.version < _REPEATS_PARTS:
        entries = list({js_string(each["name"]): each for each in entries}.values())
    deferred = _is_deferred if context.version >= _REPEATS_PARTS else _is_field
    order = sorted(
        enumerate(entries), key=lambda each: deferred(each[1])
    )  # what is told first where several cannot be sent
    parts: dict[int, Part] = {}
    for number, each in order:
        name = js_string(each["name"])
        if _is_field(each):
            parts[number] = _field(name, each["value"], i)
        else:
            parts[number] = await file_part(context, item, name, js_string(each.get("inputDataFieldName", "")), i)
    return Multipart([parts[number] for number in range(len(entries))])


def _is_field(entry: dict[str, Any]) -> bool:
    return entry.get("parameterType") != "formBinaryData"


def _is_deferred(entry: dict[str, Any]) -> bool:
    """Return whether a value is refused when the form is sent, not when it is made."""
    return _is_field(entry) and isinstance(entry["value"], bool)


def _field(name: str, value: Any, i: int) -> Part:
    try:
        return field_part(name, value)
    except ValueError as error:
        failed = NodeApiError(str(error), item=i)
        if isinstance(value, bool):  # found out while the request is sent, as an error without members of its own
            raise RequestFailed(failed, {}) from error
        raise failed from error


async def file_part(context: ActivityContext, item: Item, name: str, field_name: str, i: int) -> Part:
    """Return a binary of the item as a part of a form. Raise NodeError when the item has none of this name."""
    ref = binary_of(item, field_name, i)
    return Part(name, await context.blobs.open(ref), ref.get("fileName"), ref.get("mimeType"))


def binary_of(item: Item, field_name: str, i: int) -> BinaryRef:
    """Return the binary of this name. Raise NodeError with n8n's text."""
    binary = item.get("binary")
    if not binary:
        raise NodeError(
            f"This operation expects the node's input data to contain a binary file '{field_name}', but none was found [item {i}]",
            description="Make sure that the previous node outputs a binary file",
            item=i,
        )
    if field_name not in binary:
        raise NodeError(
            f"The item has no binary field '{field_name}' [item {i}]",
            description="Check that the parameter where you specified the input binary field name is correct, and that it "
            "matches a field in the binary input",
            item=i,
        )
    return binary[field_name]
