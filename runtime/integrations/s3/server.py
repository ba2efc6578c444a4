"""Requests to an S3 server: where a bucket is, how a request is signed, and answers in XML."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from runtime.contract import NodeApiError, NodeError
from runtime.http.request import Outgoing
from runtime.http.signing import aws_v4
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.request import Response
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml

EMPTY: Final = hashlib.sha256(b"").hexdigest()
AWS: Final = "n8n-nodes-base.awsS3"
_AS_OBJECTS: Final = XmlOptions(explicit_root=False, ignore_attrs=True)


def _address(run: Run, scope: Scope, bucket: str, key: str) -> str:
    """Return where a bucket, or a file in it, is. Raise NodeError."""
    path = quote(key, safe="/!'()*-._~")
    if any(part in (".", "..") for part in key.split("/")):
        raise NodeError(f"{key!r} cannot be part of an address", item=scope.index)
    if not all(each.isalnum() or each in "-._" for each in bucket):  # it becomes part of a host
        raise NodeError("Invalid URL", description=f"{bucket!r} is not the name of a bucket", item=scope.index)
    given = scope.credential
    if run.sender.descriptor.type == AWS:
        host = f"s3.{js_string(given.get('region') or 'us-east-1')}.amazonaws.com"
        apart = bool(bucket) and "." not in bucket  # TLS has no certificate for a bucket with dots
        return f"https://{bucket}.{host}/{path}" if apart else f"https://{host}/{bucket + '/' if bucket else ''}{path}"
    endpoint = js_string(given.get("endpoint") or "").rstrip("/")
    if not bucket:
        return f"{endpoint}/"
    if given.get("forcePathStyle"):
        return f"{endpoint}/{bucket}" + (f"/{path}" if path else "")
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{bucket}.{parts.netloc}{parts.path}/{path}"


async def send(
    run: Run,
    scope: Scope,
    method: str,
    bucket: str,
    key: str = "",
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    sha256: str = EMPTY,
    length: int = 0,
    **spec: Any,
) -> Response:
    """Send one request. `sha256` and `length` are the hash and the bytes of its content. Raise NodeError."""
    pairs = [f"{quote(name, safe='')}={quote(js_string(each), safe='')}" for name, each in (query or {}).items()]
    url = _address(run, scope, bucket, key) + (f"?{'&'.join(pairs)}" if pairs else "")
    carried = {**(headers or {}), "x-amz-content-sha256": sha256}
    if "type" in spec:
        carried["content-type"] = spec["type"]
    unsigned = Outgoing(method, url, [*carried.items(), *([("content-length", str(length))] if length else [])], None)
    signed = aws_v4(unsigned, scope.credential, scope.now, "s3")
    carried = {name: value for name, value in signed.headers if name != "content-length"}  # the client adds it
    return await run.response(scope, method=method, url=url, headers=carried, **{"response": "text", **spec})


async def ask(run: Run, scope: Scope, method: str, bucket: str, key: str = "", **more: Any) -> Response:
    """Ask where a bucket is, as n8n does before each request, then send the request. Raise NodeError."""
    await send(run, scope, "GET", bucket, query={"location": ""})
    return await send(run, scope, method, bucket, key, **more)


def parsed(response: Response) -> dict[str, Any]:
    """Return the members of an answer in XML. Raise NodeApiError."""
    try:
        found = read_xml(js_string(response.body or ""), _AS_OBJECTS)
    except XmlError as error:
        raise NodeApiError(f"The answer of the S3 server is not XML: {error}") from error
    return found if isinstance(found, dict) else {}


async def listed(
    run: Run, scope: Scope, bucket: str, query: Mapping[str, Any], *, everything: bool | None = None, **more: Any
) -> list[Any]:
    """Return the files of a list, of all its pages where `everything` or the node asks for all. Raise NodeError."""
    if everything is None:
        everything = bool(scope.parameters.get("returnAll"))
    limit = int(scope.parameters.get("limit") or 0)
    asked = {**query, **({} if everything else {"limit": limit})}
    await send(run, scope, "GET", bucket, query={"location": ""})
    found = list[Any]()
    for _ in range(MAX_PAGES):
        answer = parsed(await send(run, scope, "GET", bucket, query=asked, **more))
        elements = answer.get("Contents") or []
        found += elements if isinstance(elements, list) else [elements]
        token = answer.get("NextContinuationToken")
        if not everything or answer.get("IsTruncated") != "true" or not token:
            return found if everything else found[:limit]
        asked = {**asked, "continuation-token": token}
    raise NodeError(f"The S3 server gave more than {MAX_PAGES} pages", item=scope.index)
