"""Files of items: describing one as n8n does, and finding one by its name, with n8n's texts when it is not there."""

import base64
import mimetypes
from typing import Any, Final

from runtime.values.javascript import is_text
from schemas.item import BinaryRef, Item

__all__ = [
    "INLINE_BYTES", "NoBinaryError", "binary_of", "binary_ref", "extension_of", "file_size", "file_type", "mime_type_of",
]  # fmt: skip

INLINE_BYTES: Final = 16 * 1024
"""Files up to this size ride in their item as base64; larger ones are stored, and the item has a reference."""
_TYPES: Final = mimetypes.MimeTypes()  # not the machine's own tables: the same answer everywhere
_TYPES.types_map[True].update({
    ".md": "text/markdown", ".yaml": "text/yaml", ".yml": "text/yaml", ".rtf": "application/rtf", ".ics": "text/calendar",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xls": "application/vnd.ms-excel",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".xml": "text/xml",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet", ".webp": "image/webp", ".gz": "application/gzip",
    ".odt": "application/vnd.oasis.opendocument.text", ".odp": "application/vnd.oasis.opendocument.presentation",
    ".docm": "application/vnd.ms-word.document.macroenabled.12", ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation", ".msg": "application/vnd.ms-outlook",
    ".key": "application/vnd.apple.keynote", ".pages": "application/vnd.apple.pages", ".numbers": "application/vnd.apple.numbers",
    ".epub": "application/epub+zip", ".mobi": "application/x-mobipocket-ebook", ".srt": "application/x-subrip",
    ".7z": "application/x-7z-compressed", ".rar": "application/vnd.rar", ".bz2": "application/x-bzip2", ".xz": "application/x-xz",
    ".apk": "application/vnd.android.package-archive", ".dmg": "application/x-apple-diskimage", ".iso": "application/x-iso9660-image",
    ".psd": "image/vnd.adobe.photoshop", ".ttf": "font/ttf", ".otf": "font/otf", ".woff": "font/woff", ".woff2": "font/woff2",
    ".geojson": "application/geo+json", ".gpx": "application/gpx+xml", ".kml": "application/vnd.google-earth.kml+xml",
    ".map": "application/json", ".toml": "application/toml", ".sql": "application/sql", ".jsx": "text/jsx", ".mjs": "text/javascript",
    ".ts": "video/mp2t", ".rs": "application/rls-services+xml", ".java": "text/x-java-source", ".c": "text/x-c", ".cpp": "text/x-c",
    ".h": "text/x-c", ".bat": "application/x-msdownload", ".m4a": "audio/mp4", ".mkv": "video/x-matroska", ".flac": "audio/x-flac",
    ".opus": "audio/ogg",
})  # fmt: skip
del _TYPES.types_map[True][".py"], _TYPES.types_map_inv[True]["text/x-python"]  # text, to n8n
_SUFFIXES: Final = {
    "application/atom+xml": "atom",
    "application/epub+zip": "epub",
    "application/gzip": "gz",
    "application/java-archive": "jar",
    "application/ld+json": "jsonld",
    "application/octet-stream": "bin",
    "application/postscript": "ai",
    "application/rss+xml": "rss",
    "application/rtf": "rtf",
    "application/sql": "sql",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/geo+json": "geojson",
    "application/json": "json",
    "application/toml": "toml",
    "application/vnd.google-apps.document": "gdoc",
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsm",
    "application/vnd.ms-outlook": "msg",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.rar": "rar",
    "application/x-bzip2": "bz2",
    "application/x-rar-compressed": "rar",
    "audio/midi": "mid",
    "audio/webm": "weba",
    "image/webp": "webp",
    "video/3gpp": "3gp",
    "application/x-7z-compressed": "7z",
    "application/x-cfb": "cfb",
    "application/x-zip-compressed": "zip",
    "application/xml": "xml",
    "audio/aac": "adts",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/mpeg": "mpga",
    "audio/ogg": "oga",
    "audio/wav": "wav",
    "font/woff2": "woff2",
    "image/jpeg": "jpg",
    "image/tiff": "tif",
    "image/x-icon": "ico",
    "text/calendar": "ics",
    "text/html": "html",
    "text/javascript": "js",
    "text/markdown": "md",
    "text/plain": "txt",
    "text/rtf": "rtf",
    "text/vcard": "vcard",
    "text/yaml": "yaml",
    "video/mp4": "mp4",
    "video/quicktime": "qt",
}
"""Type -> the extension that n8n gives a file without one, where Python's table has another or none."""
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"), (b"{\\rtf", "application/rtf"), (b"\x1f\x8b", "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-cfb"), (b"BM", "image/bmp"), (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"), (b"fLaC", "audio/x-flac"), (b"\x1aE\xdf\xa3", "video/matroska"),
)  # fmt: skip
_ZIPPED: Final = (
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_UNITS: Final = ("B", "kB", "MB", "GB")


class NoBinaryError(Exception):
    """Raised when an item has no file of the requested name. `message` and `description` are n8n's."""

    def __init__(self, message: str, description: str) -> None:
        super().__init__(message)
        self.message, self.description = message, description


def binary_of(item: Item, name: Any, i: int) -> BinaryRef:
    """Return the file `name` of input item `i`; an expression may give anything for it. Raise NoBinaryError."""
    if not is_text(name):
        raise NoBinaryError(
            "Provided parameter is not a string or binary data object.",
            "Specify the property name of the binary data in input item or use an expression to access the binary data in "
            'previous nodes, e.g. "{{ $(_target_node_).item.binary[_binary_property_name_] }}"',
        )
    binary = item.get("binary")
    if binary is None:
        raise NoBinaryError(
            f"This operation expects the node's input data to contain a binary file '{name}', but none was found "
            f"[item {i}]",
            "Make sure that the previous node outputs a binary file",
        )
    if name not in binary:
        raise no_field(name, i)
    return binary[name]


def no_field(name: Any, i: int) -> NoBinaryError:
    """Return the error of input item `i`, whose files are others than `name`."""
    return NoBinaryError(
        f"The item has no binary field '{name}' [item {i}]",
        "Check that the parameter where you specified the input binary field name is correct, and that it matches a "
        "field in the binary input",
    )


def binary_ref(data: bytes, mime_type: str | None, file_name: str | None, size: int | None = None) -> BinaryRef:
    """Return a reference that carries its bytes, with n8n's fields; with `size`, `data` is only the beginning of the
    file, and the reference carries none.

    The type is the one in the arguments, else the name's, else what the first bytes tell, else text.
    """
    extension = _extension(file_name)
    detected = mime_type or mime_type_of(file_name) or _sniffed(data)
    mime_type = detected or "text/plain"
    if not extension and detected:
        extension = extension_of(detected)
    ref: BinaryRef = {"mimeType": mime_type}
    if kind := file_type(mime_type):
        ref["fileType"] = kind
    if extension:
        ref["fileExtension"] = extension
    ref["data"] = base64.b64encode(data).decode() if size is None else ""
    if file_name:
        ref["fileName"] = file_name
    count = len(data) if size is None else size
    return ref | {"fileSize": file_size(count), "bytes": count}


def mime_type_of(file_name: str | None) -> str | None:
    """Return the type that a file's name tells, or None."""
    return _TYPES.types_map[True].get(f".{_extension(file_name).lower()}")


def _extension(file_name: str | None) -> str:
    root, _, extension = (file_name or "").rpartition(".")
    return extension if root else ""


def extension_of(mime_type: str) -> str:
    """Return the extension that n8n gives a file of this type that has no name; empty if it has none."""
    plain = mime_type.partition(";")[0].strip().lower()
    return _SUFFIXES.get(plain) or (_TYPES.guess_extension(plain) or "").lstrip(".")


def _sniffed(data: bytes) -> str | None:
    if data.startswith(b"PK\x03\x04"):
        head = data[:4096]
        return next((mime for mark, mime in _ZIPPED if mark in head), "application/zip")
    if data.startswith(b"RIFF") and data[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if data[8:12] == b"WEBP" else "audio/wav"
    if data[4:8] == b"ftyp":
        return "video/mp4"
    return next((mime for mark, mime in _MAGIC if data.startswith(mark)), None)


def file_type(mime_type: str) -> str | None:
    """Return n8n's `fileType`: json, html, pdf, image, audio, video, text, or none."""
    major, _, minor = mime_type.partition("/")
    if mime_type in ("application/json", "text/html", "application/pdf"):
        return minor
    if major in ("image", "audio", "video"):
        return major
    return "text" if major == "text" or mime_type == "application/javascript" else None


def file_size(count: int) -> str:
    """Return n8n's `fileSize` of so many bytes: three digits, in thousands."""
    size, unit = float(count), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"
