"""Files for Salesforce: attachments of a record, and documents."""

import mimetypes
from base64 import b64encode
from typing import Any

from runtime.contract import Item, NodeError
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED

__all__ = ["create_attachment", "update_attachment", "upload_document"]

_NO_CONTENT = 204
_FIELDS = {"name": "Name", "description": "Description", "isPrivate": "IsPrivate"}


async def create_attachment(run: Run, scope: Scope) -> list[Item]:
    """Attach a file to a record. Raise NodeError."""
    parameters = scope.parameters
    body = {"Name": parameters.get("name"), "ParentId": parameters.get("parentId")}
    body |= await _content(run, scope, parameters.get("binaryPropertyName"))
    body |= _described(parameters.get("additionalFields") or {})
    return await _sent(run, scope, "POST", "/sobjects/attachment", body)


async def update_attachment(run: Run, scope: Scope) -> list[Item]:
    """Change an attachment. Raise NodeError."""
    fields = scope.parameters.get("updateFields") or {}
    body = await _content(run, scope, fields["binaryPropertyName"]) if fields.get("binaryPropertyName") else {}
    path = f"/sobjects/attachment/{segment(scope.parameters.get('attachmentId'))}"
    return await _sent(run, scope, "PATCH", path, body | _described(fields))


async def upload_document(run: Run, scope: Scope) -> list[Item]:
    """Store a file as a document. Raise NodeError."""
    parameters = scope.parameters
    fields = parameters.get("additionalFields") or {}
    title, name = js_string(parameters.get("title", UNDEFINED)), parameters.get("binaryPropertyName")
    ref = run.file(scope.index, name)
    extension = fields.get("fileExtension") or ref.get("fileExtension")
    file_name = f"{title}.{js_string(extension)}" if extension else title
    entity = {"Title": title, "ContentLocation": "S"}
    if not is_empty(owner := FILTERS["locator"](fields.get("ownerId"))):
        entity["ownerId"] = owner
    if fields.get("linkToObjectId"):
        entity["FirstPublishLocationId"] = fields["linkToObjectId"]
    entity["PathOnClient"] = file_name
    part: dict[str, Any] = {"name": "VersionData", "file": name, "filename": file_name}
    if fields.get("fileExtension"):
        part["type"] = mimetypes.guess_type(file_name)[0] or UNDEFINED
    answer = await run.request(
        scope,
        method="POST",
        path="/sobjects/ContentVersion",
        multipart=[{"name": "entity_content", "value": json_stringify(entity), "type": "application/json"}, part],
    )
    return [{"json": answer}]


async def _content(run: Run, scope: Scope, name: Any) -> dict[str, Any]:
    ref = (run.items[scope.index].get("binary") or {}).get(js_string(name))
    if ref is None:
        raise NodeError(f"The property {js_string(name)} does not exist", item=scope.index)
    content = await run.context.blobs.read(ref)
    return {"Body": b64encode(content).decode(), "ContentType": ref.get("mimeType")}


def _described(fields: Any) -> dict[str, Any]:
    made = {wire: fields[name] for name, wire in _FIELDS.items() if not is_empty(fields.get(name))}
    owner = FILTERS["locator"](fields.get("owner"))
    return made if is_empty(owner) else made | {"OwnerId": owner}


async def _sent(run: Run, scope: Scope, method: str, path: str, body: dict[str, Any]) -> list[Item]:
    response = await run.response(scope, method=method, path=path, json=body)
    if response.status == _NO_CONTENT or response.body in (UNDEFINED, None, ""):
        return [{"json": {"errors": [], "success": True}}]
    return [{"json": response.body}]
