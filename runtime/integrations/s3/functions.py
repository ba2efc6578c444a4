"""S3: the operations on files, folders and buckets, as programs."""

import base64
import hashlib
import mimetypes
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from runtime.contract import Item, NodeError
from runtime.integrations.answers import no_bytes, unreadable
from runtime.integrations.operation import Run
from runtime.integrations.s3.headers import option_headers, tag_header
from runtime.integrations.s3.server import AWS, ask, listed, locate, parsed, send
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.streams import pieces_of
from schemas.item import UNDEFINED

_DONE: Final[Item] = {"json": {"success": True}}


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Store a file of the item, or a text. Raise NodeError."""
    parameters, bucket = scope.parameters, _bucket(scope)
    region = await locate(run, scope, bucket)
    given = _given(scope, "additionalFields")
    name, content = await (_file(run, scope) if parameters.get("binaryData", True) else _text(scope))
    headers = option_headers(given) | tag_header(parameters)
    if "type" not in content:
        headers["content-type"] = "text/html"
    headers["content-md5"] = content.pop("md5")
    key = _below(given.get("parentFolderKey"), name)
    await send(run, scope, "PUT", bucket, key, region=region, headers=headers, **content)
    return [_DONE]


async def _file(run: Run, scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return the key of a file of the item, and its content: what `send` takes, and `md5`. Raise NodeError.

    As in n8n, the first item says for all items which field holds the file.
    """
    field = (await run.scope(0)).parameters.get("binaryPropertyName") if scope.index else _field(scope)
    ref = run.file(scope.index, js_string(field))
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    async for piece in pieces_of(await run.context.blobs.open(ref)):
        sha256.update(piece)
        md5.update(piece)
        size += len(piece)
    name = js_string(scope.parameters.get("fileName") or "")
    if run.sender.descriptor.type != AWS or run.context.version < 2:
        name = name or ref.get("fileName") or "undefined"
    content = {"file": js_string(field), "type": ref.get("mimeType") or "application/octet-stream", "length": size}
    return name, content | {"sha256": sha256.hexdigest(), "md5": base64.b64encode(md5.digest()).decode()}


async def _text(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return the key of a text and its content, as `_file` does. Raise ThrownError for what is no text."""
    text = scope.parameters.get("fileContent", "")
    if not isinstance(text, str):
        raise no_bytes(text)
    content: dict[str, Any] = {"body": text, "type": "text/html", "length": len(text.encode())} if text else {}
    content["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    content["md5"] = base64.b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest()).decode()
    return js_string(scope.parameters.get("fileName") or ""), content


def _field(scope: Scope) -> Any:
    return scope.parameters.get("binaryPropertyName")


async def download(run: Run, scope: Scope) -> list[Item]:
    """Return the item with a file of a bucket. Raise NodeError."""
    key = js_string(scope.parameters.get("fileKey") or "")
    name = key.rpartition("/")[2]
    if not name:
        raise NodeError(
            f"{_downloading(run)} a whole directory is not yet supported, please provide a file key", item=scope.index
        )
    mime = mimetypes.guess_type(name)[0]
    spec = {"response": "file", "filename": name, **({"mime": mime} if mime else {})}
    ref = (await ask(run, scope, "GET", _bucket(scope), key, **spec)).body
    field = js_string(scope.parameters.get("binaryPropertyName", UNDEFINED))
    binary = {**(scope.item.get("binary") or {}), field: ref}
    return [{"json": scope.item.get("json", {}), "binary": binary}]


def _downloading(run: Run) -> str:
    return "Downloading" if run.sender.descriptor.type == AWS else "Downloding"  # n8n's own words


async def copy_file(run: Run, scope: Scope) -> list[Item]:
    """Copy a file; both paths begin with the bucket. Raise NodeError."""
    source = js_string(scope.parameters.get("sourcePath") or "")
    _, _, path = js_string(scope.parameters.get("destinationPath") or "").partition(
        "/"
    )  # as in n8n, behind the first slash
    bucket, _, key = path.partition("/")
    if not bucket:
        raise NodeError("The destination path has no bucket", description="Write it as /bucket/key.", item=scope.index)
    headers = option_headers(_given(scope, "additionalFields")) | {"x-amz-copy-source": source}
    made = parsed(run, await ask(run, scope, "PUT", bucket, key, headers=headers))
    return [{"json": made or UNDEFINED}]  # type: ignore[typeddict-item]  # an item without data


async def delete_file(run: Run, scope: Scope) -> list[Item]:
    """Delete a file, or one version of it. Raise NodeError."""
    version = _given(scope, "options").get("versionId")
    key = js_string(scope.parameters.get("fileKey") or "")
    await ask(run, scope, "DELETE", _bucket(scope), key, query={"versionId": version} if version else None)
    return [_DONE]


async def list_files(run: Run, scope: Scope) -> list[Item]:
    """Return the files of a bucket or folder. Raise NodeError."""
    found = await _listed(run, scope, _listing(await run.scope(0)) | {"delimiter": "/", "list-type": 2})
    return [{"json": each} for each in found if not _is_folder(each)]


async def list_folders(run: Run, scope: Scope) -> list[Item]:
    """Return the folders of a bucket or folder: the keys that end with a slash and hold nothing. Raise NodeError."""
    found = await _listed(run, scope, _listing(await run.scope(0)) | {"list-type": 2})
    return [{"json": each} for each in found if _is_folder(each)]


async def search_bucket(run: Run, scope: Scope) -> list[Item]:
    """Return the files of a bucket that match. Raise NodeError."""
    given, bucket = _given(scope, "additionalFields"), _bucket(scope)
    query: dict[str, Any] = {"list-type": 2}
    for name, wire in (
        ("prefix", "prefix"), ("encodingType", "encoding-type"), ("delimiter", "delimiter"), ("fetchOwner", "fetch-owner"),
        ("startAfter", "start-after"),
    ):  # fmt: skip
        if given.get(name):
            query[wire] = given[name]
    if run.sender.descriptor.type != AWS:
        query.pop("delimiter", None)  # n8n's S3 node does not send it
    if given.get("requesterPays"):
        query["x-amz-request-payer"] = "requester"  # n8n puts the header into the query
    region = await locate(run, scope, bucket)
    if scope.parameters.get("returnAll"):
        return [{"json": each} for each in await listed(run, scope, bucket, query, region=region)]
    return await _one_page(run, scope, bucket, query | {"max-keys": scope.parameters.get("limit")}, region)


async def _one_page(run: Run, scope: Scope, bucket: str, query: Mapping[str, Any], region: str | None) -> list[Item]:
    """Return all files of one page, as n8n does whatever the limit. Raise ThrownError for an answer that is no list."""
    answer = await send(run, scope, "GET", bucket, query=query, region=region)
    new = run.sender.descriptor.type == AWS and run.context.version >= 2
    if not (page := parsed(run, answer)):
        raise unreadable(UNDEFINED, "ListBucketResult" if new else "Contents", scope.index)
    found = page.get("Contents")
    if found is None:
        return [] if new else [{"json": UNDEFINED}]  # type: ignore[typeddict-item]  # an item without data
    return [{"json": each} for each in (found if isinstance(found, list) else [found])]


async def create_folder(run: Run, scope: Scope) -> list[Item]:
    """Create a folder: an empty file whose key ends with a slash. Raise NodeError."""
    given = _given(scope, "additionalFields")
    name, parent = f"{js_string(scope.parameters.get('folderName') or '')}/", given.get("parentFolderKey")
    apart = (
        run.sender.descriptor.type == AWS and run.context.version >= 2
    )  # other versions of n8n's nodes forget the slash
    key = _below(parent, name) if apart else f"{js_string(parent or '')}{name}"
    await ask(run, scope, "PUT", _bucket(scope), key, headers=option_headers(given))
    return [_DONE]


async def delete_folder(run: Run, scope: Scope) -> list[Item]:
    """Delete a folder and all that is in it. Raise NodeError."""
    bucket, folder = _bucket(scope), js_string(scope.parameters.get("folderKey") or "")
    if not folder:
        raise NodeError("The folder key is empty: the whole bucket would be deleted", item=scope.index)
    region = await locate(run, scope, bucket)
    found = await listed(
        run, scope, bucket, {"list-type": 2, "prefix": folder}, region=region, everything=True, inside=True
    )
    if not found:  # n8n deletes the folder itself
        await send(run, scope, "DELETE", bucket, folder, region=region)
        return [{"json": {"deleted": [{"Key": folder}]}}]
    objects = "".join(
        f"\n  <Object>\n    <Key>{escape(js_string(each.get('Key')))}</Key>\n  </Object>" for each in found
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{objects}\n</Delete>'
    )
    md5 = base64.b64encode(hashlib.md5(body.encode(), usedforsecurity=False).digest()).decode()
    answer = await send(
        run, scope, "POST", bucket, region=region, inside=True, query={"delete": ""}, headers={"content-md5": md5},
        sha256=hashlib.sha256(body.encode()).hexdigest(), length=len(body.encode()), body=body, type="application/xml",
    )  # fmt: skip
    if not (deleted := parsed(run, answer)):
        raise unreadable(UNDEFINED, "Deleted", scope.index)
    return [{"json": {"deleted": deleted.get("Deleted")}}]


async def _listed(run: Run, scope: Scope, query: Mapping[str, Any]) -> list[Any]:
    bucket = _bucket(scope)
    return await listed(run, scope, bucket, query, region=await locate(run, scope, bucket))


async def create_bucket(run: Run, scope: Scope) -> list[Item]:
    """Create a bucket in the region of the credential, or another. Raise NodeError."""
    given = _given(scope, "additionalFields")
    region = js_string(given.get("region") or scope.credential.get("region") or "us-east-1")
    spec = dict[str, Any]()
    if region != "us-east-1":  # S3 refuses to be told its first region
        body = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n'
            f"  <LocationConstraint>{escape(region)}</LocationConstraint>\n</CreateBucketConfiguration>"
        )
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        spec = {
            "body": body,
            "type": "application/x-www-form-urlencoded",
            "length": len(body.encode()),
            "sha256": sha256,
        }
    await send(run, scope, "PUT", _bucket(scope, "name"), headers=option_headers(given), **spec)
    return [_DONE]


async def delete_bucket(run: Run, scope: Scope) -> list[Item]:
    """Delete a bucket. Raise NodeError."""
    await send(run, scope, "DELETE", _bucket(scope, "name"))
    return [_DONE]


async def list_buckets(run: Run, scope: Scope) -> list[Item]:
    """Return the buckets of the account. Raise NodeError."""
    everything, limit = scope.parameters.get("returnAll"), int(scope.parameters.get("limit") or 0)
    query = {} if everything else {"limit": limit}
    found = (parsed(run, await send(run, scope, "GET", "", query=query)).get("Buckets") or {}).get("Bucket") or []
    buckets = found if isinstance(found, list) else [found]
    return [{"json": each} for each in (buckets if everything else buckets[:limit])]


def _bucket(scope: Scope, parameter: str = "bucketName") -> str:
    """Return the name of the bucket, which becomes part of a host. Raise NodeError for what is none."""
    name = js_string(scope.parameters.get(parameter) or "")
    if not name:
        raise NodeError("Invalid URL", description=f"{name!r} is not the name of a bucket", item=scope.index)
    return name


def _given(scope: Scope, name: str) -> Mapping[str, Any]:
    return scope.parameters.get(name) or {}


def _below(folder: Any, name: str) -> str:
    return f"{js_string(folder)}/{name}" if folder else name


def _listing(scope: Scope) -> dict[str, Any]:
    """Return what a listing is asked with: as in n8n, by the first item for all."""
    given, query = _given(scope, "options"), dict[str, Any]()
    if given.get("folderKey"):
        query["prefix"] = given["folderKey"]
    if given.get("fetchOwner"):
        query["fetch-owner"] = given["fetchOwner"]
    return query


def _is_folder(entry: Mapping[str, Any]) -> bool:
    return js_string(entry.get("Key", "")).endswith("/") and js_string(entry.get("Size", "0")) == "0"
