"""The body of a request as n8n's webhook node parses it: JSON, forms, XML, text, or a file."""

import asyncio
import base64
import codecs
import io
import re
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import multipart  # type: ignore[import-untyped]  # it has no types of its own
import orjson

from api.triggers.responses import refusal
from runtime.values.binary import extension_of, file_size, file_type
from runtime.values.charsets import codec_of, decode_as
from runtime.values.json_error import json_error
from schemas.plan import Step

__all__ = ["Body", "File", "decompress", "parse_body", "read_body"]

CHARSET: Final = re.compile(r"charset=\"?([\w.:-]{1,64})", re.IGNORECASE)
NOTHING: Final = object()
INLINE_PARSE: Final = 16 * 1024
"""Bytes of a body that is parsed at once: a hundredth of a second of XML."""
MAX_ATTRIBUTES: Final = 1_000
"""Of an XML element."""
MAX_FIELDS: Final = 1_000
"""Of a form, as in n8n."""
_JPEG: Final = {"image/jpeg": "jpeg"}
"""Type -> the extension that a webhook gives its files, where that of other nodes is another."""
BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True)
class File:
    """A file that came with a request."""

    data: bytes
    mime_type: str
    file_name: str | None

    def reference(self) -> dict[str, Any]:
        """Return n8n's binary reference of it, with the bytes inside."""
        extension = self._extension()
        fields = {
            "mimeType": self.mime_type,
            "fileType": file_type(self.mime_type),
            "fileExtension": extension,
            "data": base64.b64encode(self.data).decode(),
            "fileName": self.file_name or str(uuid.uuid4()),
            "fileSize": file_size(len(self.data)),
            "bytes": len(self.data),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _extension(self) -> str | None:
        if self.file_name and "." in self.file_name:
            return self.file_name.rsplit(".", 1)[1]
        return _JPEG.get(self.mime_type) or extension_of(self.mime_type) or None


@dataclass
class Body:
    """The parsed body (absent: the item has no `body`), and files by binary property."""

    value: Any = NOTHING
    files: dict[str, File] = field(default_factory=dict)
    raw: dict[str, dict[str, Any]] = field(default_factory=dict)
    """n8n's rawBody option: a bare reference."""

    @property
    def absent(self) -> bool:
        """Return whether nothing was parsed."""
        return self.value is NOTHING


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """Return the body, decompressed (gzip or deflate).

    Raises:
        Refusal: another encoding, broken, or more than `limit` bytes when decompressed.
    """
    if not encoding or encoding == "identity" or not data:
        return data
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise refusal(415, f'unsupported content encoding "{encoding}"', code=415)
    unpack = zlib.decompressobj(47 if encoding != "deflate" else zlib.MAX_WBITS)
    try:
        plain = unpack.decompress(data, limit + 1)
    except zlib.error:
        raise refusal(422, "Failed to parse request body", code=422, hint="The compressed body is broken") from None
    if len(plain) > limit:
        raise refusal(413, "request entity too large", code=413)
    return plain


async def parse_body(step: Step, headers: Mapping[str, str], data: bytes) -> Body:
    """Return what `read_body` does; a large body is parsed in a thread, beside other requests. Raises Refusal."""
    if len(data) <= INLINE_PARSE:
        return read_body(step, headers, data)
    return await asyncio.to_thread(read_body, step, headers, data)


def read_body(step: Step, headers: Mapping[str, str], data: bytes) -> Body:
    """Return the body, parsed by its content type under the node's version and options.

    Raises:
        Refusal: 422, the body is not what its content type says.
    """
    options = step.parameters.get("options") or {}
    content_type = headers.get("content-type", "")
    mime = content_type.partition(";")[0].strip().lower()
    name = str(options.get("binaryPropertyName") or "data")
    if step.version < 2 and options.get("binaryData"):  # typeVersion
        return Body({}, {name: File(data, mime or "application/octet-stream", _file_name(headers))} if data else {})
    if mime == "multipart/form-data":
        return _multipart(content_type, data, options.get("binaryPropertyName"))
    body = Body({}) if not data else Body(_parsed(mime, content_type, data))
    if options.get("rawBody"):
        raw = {"data": base64.b64encode(data).decode(), "mimeType": mime or "application/json"}
        return Body(body.value, raw={name: raw})
    if body.absent and step.version > 1:  # typeVersion
        return Body({}, {name: File(data, mime or "application/octet-stream", _file_name(headers))})
    return body


def _parsed(mime: str, content_type: str, data: bytes) -> Any:
    if mime == "application/json":
        return _json(data, content_type)
    if mime == "application/x-www-form-urlencoded":
        return _form(data)
    if mime in ("application/xml", "text/xml") or mime.endswith("+xml"):
        return _xml(data)
    if mime == "text/plain":
        return decode_as(data, _charset(content_type))
    return NOTHING


def _form(data: bytes) -> dict[str, Any]:
    if data.count(b"&") >= MAX_FIELDS:
        raise refusal(413, "too many parameters", code=413, hint=f"A form has {MAX_FIELDS:,} fields at most")
    return _group_names(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))


def _json(data: bytes, content_type: str) -> Any:
    """Return the value of a JSON body in its character set; n8n has an empty object in place of null."""
    text = data
    if data.startswith(codecs.BOM_UTF8) or codec_of(_charset(content_type)) not in (None, "utf-8"):
        text = decode_as(data, _charset(content_type)).removeprefix(BYTE_ORDER_MARK).encode()
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        told = json_error(decode_as(data, _charset(content_type))) if len(data) <= INLINE_PARSE else None
        raise refusal(422, "Failed to parse request body", code=422, hint=told or str(error)) from None
    return {} if value is None else value


def _group_names(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return name -> value, or a list of values for a name that occurs several times."""
    grouped: dict[str, Any] = {}
    for name, value in pairs:
        if name not in grouped:
            grouped[name] = value
        elif isinstance(grouped[name], list):
            grouped[name].append(value)
        else:
            grouped[name] = [grouped[name], value]
    return grouped


def _xml(data: bytes) -> Any:
    """Return XML as n8n does: names in lower case, attributes under `$`, text trimmed, repeated elements as a list.

    No entity is expanded and nothing is fetched.
    """
    from lxml import etree  # noqa: PLC0415  # 3 MB for a content type that few webhooks see

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise refusal(422, "Failed to parse request body", code=422, hint=str(error.msg)) from None
    return {_tag(root): _element(root)}


def _element(element: Any) -> Any:
    text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    grouped: dict[str, Any] = {"$": _attributes(element)} if element.attrib else {}
    if text and (grouped or len(element)):
        grouped["_"] = text
    pairs = [(_tag(child), _element(child)) for child in element if isinstance(child.tag, str)]
    grouped.update(_group_names(pairs))
    return grouped or text


def _attributes(element: Any) -> dict[str, str]:
    """Return an element's attributes. lxml looks for each among all of them, so a number beyond any document's is refused."""
    if len(element.attrib) > MAX_ATTRIBUTES:
        hint = f"An element has {MAX_ATTRIBUTES:,} attributes at most"
        raise refusal(422, "Failed to parse request body", code=422, hint=hint)
    return dict(element.attrib)


def _tag(element: Any) -> str:
    name = str(element.tag).rpartition("}")[2]  # lxml writes {namespace}name
    return (f"{element.prefix}:{name}" if element.prefix else name).lower()


def _multipart(content_type: str, data: bytes, property_name: str | None) -> Body:
    boundary = multipart.parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise refusal(422, "Failed to parse request body", code=422, hint="The multipart body has no boundary")
    try:
        most = len(data) + 1  # all of it is in memory already: nothing is to go to a file that is never closed
        parts = list(multipart.MultipartParser(io.BytesIO(data), boundary, memory_limit=most, spool_limit=most))
    except multipart.MultipartError as error:
        raise refusal(422, "Failed to parse request body", code=422, hint=str(error)) from None
    uploads = [part for part in parts if part.filename]  # a file field that was left empty has no name
    fields = _group_names([(part.name, part.value) for part in parts if part.filename is None])
    return Body(fields, dict(_name_files(uploads, property_name)))


def _name_files(uploads: list[Any], property_name: str | None) -> list[tuple[str, File]]:
    """Name files as n8n does: by field name, numbered where a field has several; with a chosen name, that one numbered through."""
    counts: dict[str, int] = {}
    total = {part.name: sum(each.name == part.name for each in uploads) for part in uploads}
    named = []
    for place, part in enumerate(uploads):
        name = part.name.removesuffix("[]")
        if total[part.name] > 1:
            counts[name] = counts.get(name, -1) + 1
            name = f"{name}{counts[name]}"
        file = File(part.raw, part.content_type or "application/octet-stream", part.filename)
        named.append((f"{property_name}{place}" if property_name else name, file))
    return named


def _file_name(headers: Mapping[str, str]) -> str | None:
    disposition = headers.get("content-disposition")
    if not disposition:
        return None
    message = Message()
    message["content-disposition"] = disposition
    name = message.get_filename()
    return unquote(name) if name else None


def _charset(content_type: str) -> str:
    match = CHARSET.search(content_type)
    return match[1] if match else "utf-8"
