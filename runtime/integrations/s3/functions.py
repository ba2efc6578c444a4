"""S3: the operations on files, folders and buckets, as programs."""

import base64
import hashlib
import mimetypes
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from runtime.contract import Item, NodeError
from runtime.integrations.operation import Run
from runtime.integrations.s3.headers import option_headers, tag_header
from runtime.integrations.s3.server import ask, listed, parsed, send
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.streams import pieces_of

_DONE: Final[Item] = {"json": {"success": True}}


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Store a file of the item, or a text. Raise NodeError."""
    parameters = scope.parameters
    given = _given(scope, "additionalFields")
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    name, size, spec = js_string(parameters.get("fileName") or ""), 0, dict[str, Any]()
    if parameters.get("binaryData", True):
        field = js_string(parameters.get("binaryPropertyName"))
        ref = run.file(scope.index, field)
        async for piece in pieces_of(await run.context.blobs.open(ref)):
            sha256.update(piece)
            md5.update(piece)
            size += len(piece)
        name = name or ref.get("fileName", "")
        spec = {"file": field, "type": ref.get("mimeType") or "application/octet-stream", "length": size}
    elif content := js_string(parameters.get("fileContent") or ""):
        sha256.update(content.encode())
        md5.update(content.encode())
        spec = {"body": content, "type": "text/html", "length": len(content.encode())}
    headers = option_headers(given) | tag_header(parameters)
    if not spec:
        headers["content-type"] = "text/html"
    headers["content-md5"] = base64.b64encode(md5.digest()).decode()
    key = _below(given.get("parentFolderKey"), name)
    await ask(run, scope, "PUT", _bucket(scope), key, headers=headers, sha256=sha256.hexdigest(), **spec)
    return [_DONE]


async def download(run: Run, scope: Scope) -> list[Item]:
    """Return the item with a file of a bucket. Raise NodeError."""
    key = js_string(scope.parameters.get("fileKey") or "")
    name = key.rpartition("/")[2]
    if not name:
        raise NodeError(
            "Downloading a whole directory is not yet supported, please provide a file key", item=scope.index
        )
    mime = mimetypes.guess_type(name)[0]
    spec = {"response": "file", "filename": name, **({"mime": mime} if mime else {})}
    ref = (await ask(run, scope, "GET", _bucket(scope), key, **spec)).body
    field = js_string(scope.parameters.get("binaryPropertyName"))
    binary = {**(scope.item.get("binary") or {}), field: ref}
    return [{"json": scope.item.get("json", {}), "binary": binary}]


async def copy_file(run: Run, scope: Scope) -> list[Item]:
    """Copy a file; both paths begin with the bucket. Raise NodeError."""
    source = js_string(scope.parameters.get("sourcePath") or "")
    bucket, _, key = js_string(scope.parameters.get("destinationPath") or "").lstrip("/").partition("/")
    headers = option_headers(_given(scope, "additionalFields")) | {"x-amz-copy-source": source}
    return [{"json": parsed(await ask(run, scope, "PUT", bucket, key, headers=headers))}]


async def delete_file(run: Run, scope: Scope) -> list[Item]:
    """Delete a file, or one version of it. Raise NodeError."""
    version = _given(scope, "options").get("versionId")
    key = js_string(scope.parameters.get("fileKey") or "")
    await ask(run, scope, "DELETE", _bucket(scope), key, query={"versionId": version} if version else None)
    return [_DONE]


async def list_files(run: Run, scope: Scope) -> list[Item]:
    """Return the files of a bucket or folder. Raise NodeError."""
    found = await listed(run, scope, _bucket(scope), _listing(scope) | {"delimiter": "/", "list-type": 2})
    return [{"json": each} for each in found if not _is_folder(each)]


async def list_folders(run: Run, scope: Scope) -> list[Item]:
    """Return the folders of a bucket or folder: the keys that end with a slash and hold nothing. Raise NodeError."""
    found = await listed(run, scope, _bucket(scope), _listing(scope) | {"list-type": 2})
    return [{"json": each} for each in found if _is_folder(each)]


async def search_bucket(run: Run, scope: Scope) -> list[Item]:
    """Return the files of a bucket that match. Raise NodeError."""
    given = _given(scope, "additionalFields")
    query: dict[str, Any] = {"list-type": 2}
    for name, wire in (
        ("prefix", "prefix"), ("encodingType", "encoding-type"), ("delimiter", "delimiter"), ("fetchOwner", "fetch-owner"),
        ("startAfter", "start-after"),
    ):  # fmt: skip
        if given.get(name):
            query[wire] = given[name]
    headers = option_headers({"requesterPays": given.get("requesterPays")})
    found = await listed(run, scope, _bucket(scope), query, headers=headers)
    return [{"json": each} for each in found]


async def create_folder(run: Run, scope: Scope) -> list[Item]:
    """Create a folder: an empty file whose key ends with a slash. Raise NodeError."""
    given = _given(scope, "additionalFields")
    key = _below(given.get("parentFolderKey"), f"{js_string(scope.parameters.get('folderName') or '')}/")
    await ask(run, scope, "PUT", _bucket(scope), key, headers=option_headers(given))
    return [_DONE]


async def delete_folder(run: Run, scope: Scope) -> list[Item]:
    """Delete a folder and all that is in it. Raise NodeError."""
    bucket, folder = _bucket(scope), js_string(scope.parameters.get("folderKey") or "")
    if not folder:
        raise NodeError("The folder key is empty: the whole bucket would be deleted", item=scope.index)
    found = await listed(run, scope, bucket, {"list-type": 2, "prefix": folder}, everything=True)
    if not found:
        return [{"json": {"deleted": []}}]
    objects = "".join(f"<Object><Key>{escape(js_string(each.get('Key')))}</Key></Object>" for each in found)
    body = f'<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{objects}</Delete>'
    md5 = base64.b64encode(hashlib.md5(body.encode(), usedforsecurity=False).digest()).decode()
    answer = await send(
        run, scope, "POST", bucket, query={"delete": ""}, headers={"content-md5": md5},
        sha256=hashlib.sha256(body.encode()).hexdigest(), length=len(body.encode()), body=body, type="application/xml",
    )  # fmt: skip
    return [{"json": {"deleted": parsed(answer).get("Deleted")}}]


async def create_bucket(run: Run, scope: Scope) -> list[Item]:
    """Create a bucket in the region of the credential, or another. Raise NodeError."""
    given = _given(scope, "additionalFields")
    region = js_string(given.get("region") or scope.credential.get("region") or "us-east-1")
    spec = dict[str, Any]()
    if region != "us-east-1":  # S3 refuses to be told its first region
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<LocationConstraint>{escape(region)}</LocationConstraint></CreateBucketConfiguration>"
        )
        spec = {
            "body": body,
            "type": "application/xml",
            "length": len(body),
            "sha256": hashlib.sha256(body.encode()).hexdigest(),
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
    found = (parsed(await send(run, scope, "GET", "", query=query)).get("Buckets") or {}).get("Bucket") or []
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
    given, query = _given(scope, "options"), dict[str, Any]()
    if given.get("folderKey"):
        query["prefix"] = given["folderKey"]
    if given.get("fetchOwner"):
        query["fetch-owner"] = given["fetchOwner"]
    return query


def _is_folder(entry: Mapping[str, Any]) -> bool:
    return js_string(entry.get("Key", "")).endswith("/") and js_string(entry.get("Size", "0")) == "0"
