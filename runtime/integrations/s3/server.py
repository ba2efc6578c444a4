"""Requests to an S3 server: where a bucket is, how a request is signed, and answers in XML."""

import hashlib
import re
from collections.abc import Mapping
from math import isnan
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from runtime.contract import NodeApiError, NodeError
from runtime.http.request import Outgoing
from runtime.http.signing import aws_v4
from runtime.integrations.answers import unreadable
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.request import Response
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml
from schemas.item import UNDEFINED

EMPTY: Final = hashlib.sha256(b"").hexdigest()
AWS: Final = "n8n-nodes-base.awsS3"
_AS_OBJECTS: Final = XmlOptions(explicit_root=False, ignore_attrs=True)
_WITH_ATTRIBUTES: Final = XmlOptions(merge_attrs=False)
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
"""What version 2 of n8n's AWS S3 node looks for before it reads an answer as XML."""
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEY: Final = "/-._~%"
"""What stays in a key: as in n8n, an escape that is there stays one."""


def _address(run: Run, scope: Scope, bucket: str, key: str, region: str | None, *, inside: bool) -> str:
    """Return where a bucket, or a file in it, is; `region`: in place of the credential's. Raise NodeError.

    `inside`: the path of a bucket ends in a slash, as where n8n's node asks for what is in it.
    """
    path = _encoded(key)
    if any(part in (".", "..") for each in (bucket, key) for part in unquote(each).split("/")):
        raise NodeError(f"{key or bucket!r} cannot be part of an address", item=scope.index)
    given = scope.credential
    if run.sender.descriptor.type == AWS:
        host = f"s3.{region or js_string(given.get('region') or 'us-east-1')}.amazonaws.com"
        # TLS has no certificate for a bucket with dots: version 2 puts it into the path
        if bucket and ("." not in bucket or run.context.version < 2):
            return f"https://{_label(scope, bucket)}.{host}/{path}"
        return f"https://{host}/{_encoded(bucket)}{'/' if bucket and path else ''}{path}"
    endpoint = js_string(given.get("endpoint") or "").rstrip("/")
    if not bucket:
        return f"{endpoint}/"
    if given.get("forcePathStyle"):
        return f"{endpoint}/{_encoded(bucket)}{'/' if path or inside else ''}{path}"
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{_label(scope, bucket)}.{parts.netloc}{parts.path}/{path}"


def _encoded(text: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_KEY)


def _label(scope: Scope, bucket: str) -> str:
    """Return a bucket's name as a part of a host. Raise NodeError for what is none."""
    if not all(each.isalnum() or each in "-._" for each in bucket):
        raise NodeError("Invalid URL", description=f"{bucket!r} is not the name of a bucket", item=scope.index)
    return bucket


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
    region: str | None = None,
    inside: bool = False,
    **spec: Any,
) -> Response:
    """Send one request. `sha256` and `length` are the hash and the bytes of its content. Raise NodeError."""
    pairs = [f"{quote(name, safe='')}={quote(js_string(each), safe='')}" for name, each in (query or {}).items()]
    url = _address(run, scope, bucket, key, region, inside=inside) + (f"?{'&'.join(pairs)}" if pairs else "")
    carried = {**(headers or {}), "x-amz-content-sha256": sha256}
    if "type" in spec:
        carried["content-type"] = spec["type"]
    unsigned = Outgoing(method, url, [*carried.items(), *([("content-length", str(length))] if length else [])], None)
    credential = {**scope.credential, "region": region} if region else scope.credential
    signed = aws_v4(unsigned, credential, scope.now, "s3")
    carried = {name: value for name, value in signed.headers if name != "content-length"}  # the client adds it
    return await run.response(scope, method=method, url=url, headers=carried, **{"response": "text", **spec})


async def locate(run: Run, scope: Scope, bucket: str) -> str | None:
    """Ask where a bucket is, as n8n does before each request; return its region where the node goes there. Raise NodeError."""
    answer = (await send(run, scope, "GET", bucket, query={"location": ""})).body
    if run.sender.descriptor.type != AWS:
        return None
    read = _location(answer, declared=run.context.version >= 2)
    if read is None or read is UNDEFINED:
        raise unreadable(read, "LocationConstraint", scope.index)
    place = read.get("LocationConstraint", UNDEFINED) if isinstance(read, Mapping) else UNDEFINED
    if place is None or place is UNDEFINED:
        raise unreadable(place, "_", scope.index)
    region = place.get("_") if isinstance(place, Mapping) else None
    if not region or run.context.version < 2:
        return None
    if not _REGION.fullmatch(js_string(region)):
        raise NodeApiError("Unsupported AWS region", item=scope.index)
    return js_string(region)


def _location(answer: Any, *, declared: bool) -> Any:
    """Return the answer that tells a region as n8n reads it: JSON or, where it is declared as such, XML; else a text."""
    text = js_string(answer or "")
    if declared and _DECLARATION not in text:
        try:
            return parse_json(text) if text else UNDEFINED
        except NotJsonError:
            return text
    try:
        return read_xml(text, _WITH_ATTRIBUTES) if text else text
    except XmlError:
        return text


async def ask(run: Run, scope: Scope, method: str, bucket: str, key: str = "", **more: Any) -> Response:
    """Ask where a bucket is, then send the request there. Raise NodeError."""
    region = await locate(run, scope, bucket)
    return await send(run, scope, method, bucket, key, region=region, **more)


def parsed(run: Run, response: Response) -> dict[str, Any]:
    """Return the members of an answer in XML; none of what is not XML, as in n8n. Version 2 of AWS S3 reads JSON as well."""
    text = js_string(response.body or "")
    if run.sender.descriptor.type == AWS and run.context.version >= 2 and _DECLARATION not in text:
        read = _location(text, declared=True)
        inner = next(iter(read.values()), None) if isinstance(read, Mapping) else None
        return dict(inner) if isinstance(inner, Mapping) else {}
    try:
        found = read_xml(text, _AS_OBJECTS)
    except XmlError:
        return {}
    return found if isinstance(found, dict) else {}


async def listed(
    run: Run,
    scope: Scope,
    bucket: str,
    query: Mapping[str, Any],
    *,
    region: str | None,
    everything: bool | None = None,
    **more: Any,
) -> list[Any]:
    """Return the files of a list, of all its pages where `everything` or the node asks for all. Raise NodeError."""
    if everything is None:
        everything = bool(scope.parameters.get("returnAll"))
    limit = _limit(scope)
    asked = {**query, **({} if everything else {"limit": limit})}
    found = list[Any]()
    for _ in range(MAX_PAGES):
        answer = parsed(run, await send(run, scope, "GET", bucket, query=asked, region=region, **more))
        elements = answer.get("Contents") or []
        found += elements if isinstance(elements, list) else [elements]
        token = answer.get("NextContinuationToken")
        if not everything or answer.get("IsTruncated") != "true" or not token:
            return found if everything else found[:limit]
        asked = {**asked, "continuation-token": token}
    raise NodeError(f"The S3 server gave more than {MAX_PAGES} pages", item=scope.index)


def _limit(scope: Scope) -> int:
    number = js_number(scope.parameters.get("limit") or 0)
    return 0 if isnan(number) else int(number)
