"""SSH: a command, or a file, on a server of the tenant."""

from pathlib import PurePosixPath
from typing import Any, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, each_item_async, param
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from schemas.facts import CredentialUse

_COMMAND = {"resource": ["command"], "operation": ["execute"]}
_FILE = {"resource": ["file"]}


class Ssh(Activity):
    """One item per input item: `{code, signal, stdout, stderr}` of a command, `{success}` of an upload, the file of a download."""

    type = "n8n-nodes-base.ssh"
    versions = (1,)
    credential_uses = (
        CredentialUse("sshPassword", show={"authentication": ["password"]}),
        CredentialUse("sshPrivateKey", show={"authentication": ["privateKey"]}),
    )
    differs = (
        "It fails unless the operator opens the server with its port for the tenant (tempor8 tenants allow); a command takes "
        "10 minutes at most"
    )

    authentication: Literal["password", "privateKey"] = param("password")
    resource: Literal["command", "file"] = param("command")
    operation: Literal["execute"] = param("execute", show={"resource": ["command"]})
    transfer: Literal["download", "upload"] = param("upload", alias="operation", show=_FILE)
    command: Dynamic[str] = param("", show=_COMMAND)
    cwd: Dynamic[str] = param("/", show=_COMMAND, required=True, label="Working Directory")
    binary_property_name: Dynamic[str] = param("data", show=_FILE, required=True)
    path: Dynamic[str] = param("", show=_FILE, required=True)
    options: Dynamic[dict[str, Any]] = param({}, show=_FILE)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Do it for each item in turn."""
        credential = "sshPassword" if self.authentication == "password" else "sshPrivateKey"

        async def one(i: int, item: Item) -> Item:
            node = context.resolve(self, i)
            if node.resource == "command":
                done = await context.ssh.execute(credential, js_string(node.command), js_string(node.cwd), item=i)
                json = {"code": done.code, "signal": done.signal, "stdout": done.stdout, "stderr": done.stderr}
                return {"json": json}
            if node.transfer == "upload":
                await node.send(context, credential, item, i)
                return {"json": {"success": True}}
            return await node.fetch(context, credential, item, i)

        return await each_item_async(context, items, one)

    async def send(self, context: ActivityContext, credential: str, item: Item, i: int) -> None:
        """Upload the file of an item into the folder `path`. Raise NodeError."""
        try:
            ref = binary_of(item, js_string(self.binary_property_name), i)
        except NoBinaryError as error:
            raise NodeError(error.message, description=error.description, item=i) from error
        folder = js_string(self.path)
        name = self._name() or ref.get("fileName") or ""
        target = f"{folder}{'' if folder.endswith('/') else '/'}{name}"
        await context.ssh.upload(credential, target, await context.blobs.open(ref), item=i)

    async def fetch(self, context: ActivityContext, credential: str, item: Item, i: int) -> Item:
        """Return the item with the file `path`. Raise NodeError."""
        path = js_string(self.path)
        data = await context.ssh.download(credential, path, item=i)
        ref = await context.blobs.write(data, mime_type=None, file_name=self._name() or PurePosixPath(path).name)
        binary = {**(item.get("binary") or {}), js_string(self.binary_property_name): ref}
        return {"json": item["json"], "binary": binary}

    def _name(self) -> str:
        given: Any = self.options  # an expression gives anything
        name = given.get("fileName") if isinstance(given, dict) else None
        return js_string(name) if name else ""
