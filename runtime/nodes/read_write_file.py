"""Read/Write Files from Disk: the tenant's own folder takes the place of the host's root."""

from collections.abc import Awaitable
from pathlib import PurePosixPath
from typing import Any, Final, Literal, TypeVar

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
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.problem import ProblemError
from schemas.item import BinaryRef

T = TypeVar("T")

ROOTED: Final = "a path is below the tenant's folder in TEMPOR8_FILES; without that setting the node fails, as files are off by default"


async def within_folder(work: Awaitable[T]) -> T:
    """Return what the operation on the tenant's folder returns. Raise NodeError."""
    try:
        return await work
    except ProblemError as problem:
        raise NodeError(problem.message, description=problem.description) from problem


async def read_file(
    context: ActivityContext,
    path: str,
    *,
    name: str | None = None,
    mime: str | None = None,
    extension: str | None = None,
) -> BinaryRef:
    """Return a file of the tenant as an item's file. Raise NodeError."""
    place = PurePosixPath(path)
    data = await within_folder(context.files.read(path))
    ref = await context.blobs.write(data, mime_type=None, file_name=place.name)
    ref = {**ref, "directory": str(place.parent)}
    if mime:
        ref["mimeType"] = mime
    if name:
        ref["fileName"] = name
    if extension:
        ref["fileExtension"] = extension
    return ref


async def write_file(context: ActivityContext, item: Item, field: str, path: str, i: int, *, append: bool) -> Item:
    """Write the item's file and return the item with `fileName` in its JSON. Raise NodeError."""
    try:
        ref = binary_of(item, field, i)
    except NoBinaryError as error:
        raise NodeError(error.message, description=error.description, item=i) from error
    await within_folder(context.files.write(path, await context.blobs.open(ref), append=append))
    return {**item, "json": {**item["json"], "fileName": path}, "pairedItem": {"item": i}}


class ReadWriteFile(Activity):
    """An item per file that matches, or the items with their files written."""

    type = "n8n-nodes-base.readWriteFile"
    versions = (1, 1.1)
    differs = ROOTED

    info: str = param("")
    operation: Literal["read", "write"] = param("read")
    cloud_notice: str = param("")
    file_selector: Dynamic[str] = param("", show={"operation": ["read"]}, required=True, label="File(s) Selector")
    file_name: Dynamic[str] = param("", show={"operation": ["write"]}, required=True, label="File Path and Name")
    data_property_name: Dynamic[str] = param(
        "data", show={"operation": ["write"]}, required=True, label="Input Binary Field"
    )
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Read or write for each item in turn."""

        async def one(i: int, item: Item) -> list[Item]:
            node = context.resolve(self, i)
            if node.operation == "write":
                append = bool(node.options.get("append"))
                return [await write_file(context, item, node.data_property_name, node.file_name, i, append=append)]
            return await node.read_files(context)

        return await each_item_async(context, items, one)

    async def read_files(self, context: ActivityContext) -> list[Item]:
        """Return an item per file. Raise NodeError."""
        options = self.options
        literal = options.get("literalBrackets", True) is not False
        results: list[Item] = []
        for path in await within_folder(context.files.find(str(self.file_selector), literal_brackets=literal)):
            ref = await read_file(
                context,
                path,
                name=options.get("fileName"),
                mime=options.get("mimeType"),
                extension=options.get("fileExtension"),
            )
            details: dict[str, Any] = {key: value for key, value in ref.items() if key in _DETAILS}
            results.append({"json": details, "binary": {options.get("dataPropertyName") or "data": ref}})
        return results


_DETAILS: Final = ("mimeType", "fileType", "fileName", "fileExtension", "fileSize")
