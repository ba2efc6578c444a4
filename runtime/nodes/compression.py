"""Compression: files into an archive, and out of one."""

import posixpath
from collections.abc import Sequence
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
from runtime.sandbox.archives import MAX_BYTES, MAX_FILES, Archive, pack, unpack
from runtime.values.binary import NoBinaryError, binary_of, binary_ref, extension_of, mime_type_of
from runtime.values.javascript import js_string, truthy
from runtime.values.lists.fields import text_parts
from runtime.values.problem import ProblemError
from schemas.item import BinaryRef
from schemas.node import Conditions

_COMPRESS: Final[Conditions] = {"operation": ["compress"]}
_NEWER: Final[Conditions] = {**_COMPRESS, "outputFormat": ["gzip"], "@version": [1.1]}
_ARCHIVE: Final[Conditions] = {**_COMPRESS, "outputFormat": ["zip", "tar", "targz"]}
_NAMED: Final = 1.1
_MIME: Final = {
    "zip": "application/zip",
    "gzip": "application/gzip",
    "tar": "application/x-tar",
    "targz": "application/gzip",
}
_SUFFIX: Final = {"zip": "zip", "gzip": "gz", "tar": "tar", "targz": "tar.gz"}
_FORMATS: Final[dict[str, Archive]] = {
    "zip": "zip", "gz": "gzip", "gzip": "gzip", "tar": "tar", "tgz": "targz", "tar.gz": "targz"
}  # fmt: skip
_TAR_MAGIC: Final = slice(257, 262)


class Compression(Activity):
    """The item with its JSON, and with the archive or the files of it in place of all files that it had."""

    type = "n8n-nodes-base.compression"
    versions = (1, 1.1)
    local = True
    differs = f"Archives hold {MAX_BYTES // 1024 // 1024} MiB and {MAX_FILES:,} files at most"

    operation: Literal["compress", "decompress"] = param("decompress")
    binary_property_name: Dynamic[str] = param("data", required=True, label="Input Binary Field(s)")
    output_format: Dynamic[Archive | Literal[""]] = param("", since={1.1: "zip"}, show=_COMPRESS)
    file_name: Dynamic[str] = param("", show=_ARCHIVE, required=True)
    gzip_name: Dynamic[str] = param("", alias="fileName", show=_NEWER)
    binary_property_output: Dynamic[str] = param("data", show=_ARCHIVE)
    gzip_output: Dynamic[str] = param("data", alias="binaryPropertyOutput", show=_NEWER)
    gzip_prefix: Dynamic[str] = param(
        "data", alias="outputPrefix", show={**_COMPRESS, "outputFormat": ["gzip"], "@version": [1]}, required=True
    )
    output_prefix: Dynamic[str] = param("file_", show={"operation": ["decompress"]}, required=True)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item for each; none for an operation or a format that n8n does not have."""
        if self.operation not in ("compress", "decompress"):
            return [[]]

        async def one(i: int, item: Item) -> Item | None:
            node = context.resolve(self, i)
            try:
                names = text_parts(node.binary_property_name)
            except ProblemError as problem:
                raise NodeError(problem.message, item=i) from problem
            files = [(name, await _file(context, item, name, i)) for name in names]
            if node.operation == "compress" and node.output_format not in get_args(Archive):
                return None
            if node.operation == "decompress":
                binary = await node.unpacked(context, files)
            else:
                binary = await node.packed(context, files)
            return {"json": item["json"], "binary": binary} if binary else {"json": item["json"]}

        return await each_item_async(context, items, one)

    async def unpacked(
        self, context: ActivityContext, files: Sequence[tuple[str, tuple[BinaryRef, bytes]]]
    ) -> dict[str, BinaryRef]:
        """Return the files of the archives, numbered through. Raise NodeError."""
        found: dict[str, BinaryRef] = {}
        for name, (ref, data) in files:
            archive = _archive_of(name, ref)
            for path, content in await unpack(context, data, archive):
                place = f"{js_string(self.given('output_prefix'))}{len(found)}"
                found[place] = await _written(context, path or _name_within(ref, content), content)
                if folder := posixpath.dirname(path):
                    found[place]["directory"] = folder
        return found

    async def packed(
        self, context: ActivityContext, files: Sequence[tuple[str, tuple[BinaryRef, bytes]]]
    ) -> dict[str, BinaryRef]:
        """Return the archive, or of gzip one for each file. Raise NodeError."""
        format_: Any = self.output_format
        if format_ != "gzip":
            contents = {js_string(ref.get("fileName", "undefined")): data for _, (ref, data) in files}
            data = await context.on_thread(pack, contents, format_, context.now)
            packed = await _archive(context, data, format_, js_string(self.file_name))
            return {js_string(self.given("binary_property_output")): packed}
        found: dict[str, BinaryRef] = {}
        for i, (_, (ref, content)) in enumerate(files):
            data = await context.on_thread(pack, {"": content}, format_, context.now)
            own = js_string(ref.get("fileName", "undefined"))
            if context.version < _NAMED:
                packed = await _archive(context, data, format_, f"{_stem(own)}.gzip")
                found[f"{js_string(self.given('gzip_prefix'))}{i}"] = packed
                continue
            suffix = f".{ref['fileExtension']}" if ref.get("fileExtension") else ""
            name = f"{self._stem_of_gzip(own)}{suffix}.gz"
            found[f"{js_string(self.gzip_output)}{i or ''}"] = await _archive(context, data, format_, name)
        return found

    def _stem_of_gzip(self, own: str) -> str:
        """Return the name that was given without its `.gz`, or else the source's own without its extension. Raise NodeError."""
        given = self.given("gzip_name")
        if not truthy(given):
            return _stem(own)
        if not isinstance(given, str):
            raise NodeError("fileName.replace is not a function")
        return given.removesuffix(".gz")


async def _file(context: ActivityContext, item: Item, name: str, i: int) -> tuple[BinaryRef, bytes]:
    try:
        ref = binary_of(item, name, i)
    except NoBinaryError as error:
        raise NodeError(error.message, description=error.description, item=i) from error
    return ref, await context.blobs.read(ref)


def _archive_of(name: str, ref: BinaryRef) -> Archive:
    extension = str(ref.get("fileExtension") or "").lower()
    if not extension:
        raise NodeError(f"File extension not found for binary data {name}")
    if str(ref.get("fileName") or "").lower().endswith(".tar.gz"):
        return "targz"
    if extension not in _FORMATS:
        raise NodeError(
            f'Unsupported archive format ".{extension}" for binary data {name}',
            description="The Decompress operation supports the following formats: zip, gzip, tar, tar.gz and tgz",
        )
    return _FORMATS[extension]


def _name_within(ref: BinaryRef, content: bytes) -> str:
    """Return the name of a file that gzip held: that of the archive, with the extension that its first bytes tell."""
    tar = content[_TAR_MAGIC] == b"ustar"
    extension = "tar" if tar else extension_of(binary_ref(content[:4096], None, None)["mimeType"])
    stem = _stem(js_string(ref.get("fileName", "undefined")))
    return f"{stem}.{extension}" if extension else stem


def _stem(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


async def _written(context: ActivityContext, path: str, content: bytes) -> BinaryRef:
    return await context.blobs.write(content, file_name=posixpath.basename(path))


async def _archive(context: ActivityContext, data: bytes, format_: str, name: str) -> BinaryRef:
    ref = await context.blobs.write(data, mime_type=mime_type_of(name) or _MIME[format_], file_name=name or None)
    return ref if "." in name else {**ref, "fileExtension": _SUFFIX[format_]}
