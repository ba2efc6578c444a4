"""FTP: files on an FTP or SFTP server of the tenant's."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeApiError,
    NodeError,
    Outputs,
    paired,
    param,
)
from runtime.contract.capabilities import RemoteFolder
from runtime.nodes.checkpoint import Checkpoint
from runtime.values.binary import no_field
from runtime.values.javascript import describe_received, js_string, truthy
from runtime.values.streams import LongBytes
from schemas.facts import CredentialUse
from schemas.remote_files import RemoteFileError
from schemas.run import MAX_ITEMS

_NO_FOLDER: Final = 553
"""FTP's reply after which the folders of an upload are made; after every other one it fails."""
_SECONDS: Final = 10.0
_MAX_FOLDERS: Final = 10_000
_REFUSED: Final = "The service failed to process your request"
_PATH: Final = ["delete", "download", "list", "upload"]
_BYTES: Final = "string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object"


class Ftp(Activity):
    """Item after item in one session."""

    type = "n8n-nodes-base.ftp"
    versions = (1, 1.1)
    credential_uses = (
        CredentialUse("ftp", show={"protocol": ["ftp"]}),
        CredentialUse("sftp", show={"protocol": ["sftp"]}),
    )
    differs = "A file that is uploaded by SFTP has the permissions that the server gives it; n8n lets everyone write it"

    protocol: Literal["ftp", "sftp"] = param("ftp")
    operation: Literal["delete", "download", "list", "rename", "upload"] = param("download")
    path: Dynamic[str] = param("", show={"operation": ["delete", "download", "upload"]}, required=True)
    folder_path: Dynamic[str] = param("/", alias="path", show={"operation": ["list"]}, required=True)
    recursive: Dynamic[bool] = param(False, show={"operation": ["list"]})
    old_path: Dynamic[str] = param("", show={"operation": ["rename"]}, required=True)
    new_path: Dynamic[str] = param("", show={"operation": ["rename"]}, required=True)
    binary_data: Dynamic[bool] = param(True, show={"operation": ["upload"]})
    download_property: Dynamic[str] = param(
        "data",
        alias="binaryPropertyName",
        show={"operation": ["download"]},
        required=True,
        label="Put Output File in Field",
    )
    binary_property_name: Dynamic[str] = param(
        "data",
        show={"operation": ["upload"], "binaryData": [True]},
        required=True,
        label="Input Binary Field",
    )
    file_content: Dynamic[str] = param("", show={"operation": ["upload"], "binaryData": [False]})
    options: Dynamic[dict[str, Any]] = param({})

    def mutation(self, version: float) -> str | None:
        """Return what an operation changes."""
        del version
        return None if self.operation in ("download", "list") else f"its {self.operation}"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the entries of a folder, the files, or what was done."""
        try:
            async with self._session(context) as folder:
                return [await self._each(context, folder, items)]
        except RemoteFileError as error:
            if context.continue_on_fail:
                everyone: Any = [paired(i) for i in range(len(items))]
                return [[{"json": {"error": error.message}, "pairedItem": everyone}]]
            raise NodeError(error.message) from error

    def _session(self, context: ActivityContext) -> AbstractAsyncContextManager[RemoteFolder]:
        timeout = _option(context.resolve(self, 0).options, "timeout")
        seconds = timeout / 1000 if isinstance(timeout, int | float) and timeout > 0 else _SECONDS
        files = context.remote_files
        return files.ftp(seconds=seconds) if self.protocol == "ftp" else files.sftp(seconds=seconds)

    async def _each(self, context: ActivityContext, folder: RemoteFolder, items: Items) -> Items:
        checkpoint = Checkpoint(context, len(items))
        output: Items = []
        for i, item in enumerate(items):
            node = context.resolve(self, i)
            try:
                done = await checkpoint.run_once(
                    i,
                    lambda node=node, item=item, i=i: node.done(context, folder, item, i),  # type: ignore[misc]
                )
            except (RemoteFileError, NodeError) as error:
                if not context.continue_on_fail:
                    raise
                done = [{"json": {"error": error.message}}]
            output += [{**each, "pairedItem": paired(i)} for each in done]
        return output

    async def done(self, context: ActivityContext, folder: RemoteFolder, item: Item, i: int) -> list[Item]:
        """Return the items of one input item. Raise RemoteFileError, NodeError."""
        match self.operation:
            case "list":
                entries = await self.listed(folder, js_string(self.folder_path), recursive=truthy(self.recursive))
                return [{"json": each} for each in entries]
            case "download":
                return [await self.downloaded(context, folder, item)]
            case "upload":
                await self.upload(context, folder, item, i)
                return [item]
            case "rename":
                await self.rename(folder)
                return [{"json": {"success": True}}]
            case "delete":
                await self.delete(folder, js_string(self.path))
                return [{"json": {"success": True}}]
        return []

    async def listed(self, folder: RemoteFolder, path: str, *, recursive: bool) -> list[dict[str, Any]]:
        """Return the entries of a folder with their paths, those of the folders in it behind them, level by level."""
        entries: list[dict[str, Any]] = []
        waiting = [path]
        for at, place in enumerate(waiting):
            if at == _MAX_FOLDERS:
                raise RemoteFileError(f"There are more than {_MAX_FOLDERS:,} folders in {path}")
            found = [{**each, "path": _joined(place, each["name"])} for each in await folder.entries(place)]
            entries += found
            if len(entries) > MAX_ITEMS:
                raise RemoteFileError(f"There are more than {MAX_ITEMS:,} files and folders in {path}")
            if recursive:
                waiting += [each["path"] for each in found if each["type"] == "d"]
        return entries

    async def downloaded(self, context: ActivityContext, folder: RemoteFolder, item: Item) -> Item:
        """Return the item with the file. Its type is the one that its first bytes tell, as in n8n, not the name's."""
        path = js_string(self.path)
        ref = await context.blobs.write(await folder.read(path), mime_type=None, file_name=None)
        name = js_string(self.download_property)
        file = {**ref, "fileName": PurePosixPath(path).name}
        return {"json": item["json"], "binary": {**(item.get("binary") or {}), name: file}}  # type: ignore[dict-item]

    async def upload(self, context: ActivityContext, folder: RemoteFolder, item: Item, i: int) -> None:
        """Write the file, with the folders that it needs. Raise RemoteFileError, NodeError."""
        path, data = js_string(self.path), await self._data(context, item, i)
        if self.protocol == "sftp":
            parent = str(PurePosixPath(path).parent)
            if parent not in (".", "/"):
                await folder.make_folders(parent)
            await folder.write(path, data)
            return
        try:
            await folder.write(path, data)
        except RemoteFileError as error:
            if error.code != _NO_FOLDER:
                raise NodeApiError(_REFUSED, description=error.message) from error
            await folder.make_folders(str(PurePosixPath(path).parent))
            await folder.write(path, data)

    async def _data(self, context: ActivityContext, item: Item, i: int) -> bytes | LongBytes:
        if not truthy(self.binary_data):
            if not isinstance(self.file_content, str):
                received = describe_received(self.file_content)
                raise NodeError(f"The first argument must be of type {_BYTES}. Received {received}")
            return self.file_content.encode("utf-8", "replace")
        name, files = js_string(self.binary_property_name), item.get("binary") or {}
        if name not in files:
            error = no_field(name, i)
            raise NodeError(error.message, description=error.description, item=i)
        return await context.blobs.open(files[name])

    async def rename(self, folder: RemoteFolder) -> None:
        """Rename, with the folders of the new path where the option says so. Raise RemoteFileError, NodeApiError."""
        old, new = js_string(self.old_path), js_string(self.new_path)
        if truthy(_option(self.options, "createDirectories")):
            await folder.make_folders(str(PurePosixPath(new).parent))
        try:
            await folder.rename(old, new)
        except RemoteFileError as error:
            if self.protocol == "ftp":
                raise NodeApiError(_REFUSED, description=error.message) from error
            raise

    async def delete(self, folder: RemoteFolder, path: str) -> None:
        """Delete a file, or a folder with what is in it. Raise RemoteFileError."""
        if not truthy(_option(self.options, "folder")):
            await folder.remove(path)
            return
        if truthy(_option(self.options, "recursive")):
            for each in reversed(await self.listed(folder, path, recursive=True)):
                await (folder.remove_folder if each["type"] == "d" else folder.remove)(each["path"])
        await folder.remove_folder(path)


def _option(options: Any, name: str) -> Any:
    return options.get(name) if isinstance(options, Mapping) else None  # an expression gives anything


def _joined(folder: str, name: str) -> str:
    return f"{folder}{name}" if folder.endswith("/") else f"{folder}/{name}"
