"""The body of a request as n8n's webhook node parses it: JSON, forms, XML, text, or a file."""

import base64
import codecs
import io
import mimetypes
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
from runtime.values.binary import file_size, file_type
from schemas.plan import Step

__all__ = ["Body", "File", "decompress", "read_body"]

NOTHING: Final = object()
SUFFIXES: Final = {"image/jpeg": "jpeg", "application/octet-stream": "bin", "text/plain": "txt", "video/mp4": "mp4"}


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
        guessed = SUFFIXES.get(self.mime_type) or (mimetypes.guess_extension(self.mime_type) or "").lstrip(".")
        return guessed or None


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
        raw = {"data": base64.b64encode(data).decode(), "mimeType": mime or "text/plain"}
        return Body(body.value, raw={name: raw})
    if body.absent and step.version >= 2:  # typeVersion
        return Body({}, {name: File(data, mime or "application/octet-stream", _file_name(headers))})
    return body


def _parsed(mime: str, content_type: str, data: bytes) -> Any:
    if mime == "application/json":
        return _json(data)
    if mime == "application/x-www-form-urlencoded":
        return _group_names(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000))
    if mime in ("application/xml", "text/xml") or mime.endswith("+xml"):
        return _xml(data)
    if mime == "text/plain":
        return data.decode(_charset(content_type), "replace")
    return NOTHING


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise refusal(422, "Failed to parse request body", code=422, hint=str(error)) from None


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
    grouped: dict[str, Any] = {"$": dict(element.attrib)} if element.attrib else {}
    if text and (grouped or len(element)):
        grouped["_"] = text
    pairs = [(_tag(child), _element(child)) for child in element if isinstance(child.tag, str)]
    grouped.update(_group_names(pairs))
    return grouped or text


def _tag(element: Any) -> str:
    name = str(element.tag).rpartition("}")[2]  # lxml writes {namespace}name
    return (f"{element.prefix}:{name}" if element.prefix else name).lower()


def _multipart(content_type: str, data: bytes, property_name: str | None) -> Body:
    boundary = multipart.parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise refusal(422, "Failed to parse request body", code=422, hint="The multipart body has no boundary")
    try:
        parts = list(multipart.MultipartParser(io.BytesIO(data), boundary, memory_limit=len(data) + 1))
    except multipart.MultipartError as error:
        raise refusal(422, "Failed to parse request body", code=422, hint=str(error)) from None
    uploads = [part for part in parts if part.filename is not None]
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
        file = File(part.raw, part.content_type or "application/octet-stream", part.filename or None)
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
    match = re.search(r"charset=\"?([\w-]+)", content_type, re.IGNORECASE)
    try:
        return codecs.lookup(match[1]).name if match else "utf-8"
    except LookupError:
        return "utf-8"
