"""Signatures over the bytes of a request: OAuth 1.0a (RFC 5849), HTTP Digest (RFC 7616), AWS SigV4, Azure shared key."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from runtime.http.body import FORM
from runtime.http.query import encode_component
from runtime.http.request import Outgoing


def oauth1(outgoing: Outgoing, data: Mapping[str, Any], now: float, nonce: str) -> Outgoing:
    """Sign with OAuth 1.0a. As in n8n the Authorization header takes the place of the request's own headers."""
    token = data.get("oauthTokenData") or {}
    method = data.get("signatureMethod") or "HMAC-SHA1"
    fields = {
        "oauth_consumer_key": str(data.get("consumerKey") or ""),
        "oauth_nonce": nonce,
        "oauth_signature_method": method,
        "oauth_timestamp": str(int(now // 1000)),
        "oauth_token": str(token.get("oauth_token") or ""),
        "oauth_version": "1.0",
    }
    key = f"{_quote(data.get('consumerSecret'))}&{_quote(token.get('oauth_token_secret'))}"
    fields["oauth_signature"] = _oauth1_signature(method, key, _base_string(outgoing, fields))
    value = ", ".join(f'{name}="{encode_component(fields[name])}"' for name in sorted(fields))
    content_headers = [pair for pair in outgoing.headers if pair[0].lower().startswith("content-")]
    return replace(outgoing, headers=[("accept", "*/*"), *content_headers, ("Authorization", f"OAuth {value}")])


def _quote(value: Any) -> str:
    return encode_component(str(value or ""))


def _base_string(outgoing: Outgoing, fields: Mapping[str, str]) -> str:
    url, _, query = outgoing.url.partition("?")
    pairs = [*fields.items(), *parse_qsl(query, keep_blank_values=True)]
    if _header(outgoing, "content-type").startswith(FORM) and isinstance(outgoing.content, bytes):
        pairs += parse_qsl(outgoing.content.decode(), keep_blank_values=True)
    encoded = sorted((encode_component(name), encode_component(value)) for name, value in pairs)
    normal = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join(map(encode_component, (outgoing.method.upper(), url, normal)))


def _oauth1_signature(method: str, key: str, base: str) -> str:
    if method == "PLAINTEXT":
        return key
    digest = {"HMAC-SHA256": "sha256", "HMAC-SHA512": "sha512"}.get(method, "sha1")
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), digest)).decode()


def _header(outgoing: Outgoing, name: str) -> str:
    return next((value for key, value in outgoing.headers if key.lower() == name), "")


def digest(outgoing: Outgoing, challenge: str, user: str, password: str, cnonce: str) -> Outgoing | None:
    """Answer a `WWW-Authenticate: Digest` challenge; None when it is another scheme. Algorithms: MD5 and SHA-256."""
    if not challenge.lower().startswith("digest"):
        return None
    parameters = {key.lower(): quoted or plain for key, quoted, plain in _CHALLENGE.findall(challenge)}
    algorithm = parameters.get("algorithm", "MD5")
    name = "sha256" if algorithm.upper().startswith("SHA-256") else "md5"
    parts = urlsplit(outgoing.url)
    uri = parts.path + (f"?{parts.query}" if parts.query else "")
    nonce, realm, count = parameters.get("nonce", ""), parameters.get("realm", ""), "00000001"

    def hashed(*pieces: str) -> str:
        return hashlib.new(name, ":".join(pieces).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(user, realm, password)
    if algorithm.lower().endswith("-sess"):
        secret = hashed(secret, nonce, cnonce)
    request = hashed(outgoing.method, uri)
    qop = "auth" if "qop" in parameters else None
    response = hashed(secret, nonce, count, cnonce, qop, request) if qop else hashed(secret, nonce, request)
    fields = {
        "username": user,
        "realm": realm,
        "nonce": nonce,
        "uri": uri,
        "algorithm": algorithm,
        "response": response,
    }
    if qop:
        fields |= {"qop": qop, "nc": count, "cnonce": cnonce}
    if "opaque" in parameters:
        fields["opaque"] = parameters["opaque"]
    value = "Digest " + ",".join(f'{key}="{each}"' for key, each in fields.items())
    return replace(outgoing, headers=[*outgoing.headers, ("authorization", value)])


_CHALLENGE = re.compile(r'(?<!\w)(\w++)=(?:"([^"]*+)"|([^\s,]++))')
_SPACES = re.compile(" +")
_REGION = re.compile(r"[a-z]{2}(?:-gov)?-[a-z]+-\d")


def aws_v4(outgoing: Outgoing, data: Mapping[str, Any], now: float, service: str = "") -> Outgoing:
    """Sign with AWS Signature Version 4. Service and region are read from the host, the region falls back to the
    credential's; with a `service` both are given, for a server that is not Amazon's.

    The header `x-amz-content-sha256` tells the hash of the content, where it is there.
    """
    parts = urlsplit(outgoing.url)
    host = parts.netloc
    region = str(data.get("region") or "us-east-1")
    if not service:
        service, region = _aws_service(host, region)
    stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = [*outgoing.headers, ("x-amz-date", stamp)]
    if data.get("temporaryCredentials") and data.get("sessionToken"):
        headers.append(("x-amz-security-token", str(data["sessionToken"])))
    content = outgoing.content or b""
    payload = next((value for name, value in outgoing.headers if name.lower() == "x-amz-content-sha256"), None)
    if payload is None:
        if not isinstance(content, bytes):
            raise ValueError(
                "A file of more than 4 MB cannot be sent with an AWS credential: it signs the whole content"
            )
        payload = hashlib.sha256(content).hexdigest()
    signed = {name.lower(): value.strip() for name, value in headers if name.lower() not in _AWS_UNSIGNED} | {
        "host": host
    }
    if content:
        signed["content-length"] = str(len(content))
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            outgoing.method, _aws_path(parts.path, service), _aws_query(parts.query),
            *(f"{name}:{_SPACES.sub(' ', signed[name])}" for name in sorted(signed)), "", names, payload,
        )
    )  # fmt: skip
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{data.get('secretAccessKey') or ''}".encode()
    for step in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    result = hmac.digest(key, to_sign.encode(), "sha256").hex()
    value = f"AWS4-HMAC-SHA256 Credential={data.get('accessKeyId')}/{scope}, SignedHeaders={names}, Signature={result}"
    return replace(outgoing, headers=[*headers, ("authorization", value)])


_AWS_UNSIGNED = ("authorization", "connection", "user-agent", "expect", "x-amzn-trace-id", "idempotency-key")


_AWS_NAMES = {"email": "ses", "bedrock-runtime": "bedrock"}
"""Hosts of services that sign by another name."""


def _aws_service(host: str, region: str) -> tuple[str, str]:
    labels = host.split(":", maxsplit=1)[0].removesuffix(".amazonaws.com").split(".")
    if not host.split(":", maxsplit=1)[0].endswith(".amazonaws.com"):
        return labels[0], region
    region_label = next((label for label in labels if _REGION.fullmatch(label)), None)
    names = [label for label in labels if label != region_label]
    name = names[-1] if names else labels[0]
    return _AWS_NAMES.get(name, name), region_label or region


def _aws_path(path: str, service: str) -> str:
    segments = [encode_component(unquote(segment)) for segment in path.split("/")]
    if service != "s3":
        segments = [encode_component(segment) for segment in segments]
    return "/".join(segments)


def _aws_query(query: str) -> str:
    pairs = sorted(
        (encode_component(name), encode_component(value)) for name, value in parse_qsl(query, keep_blank_values=True)
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def azure_storage(outgoing: Outgoing, data: Mapping[str, Any], now: float) -> Outgoing:
    """Sign with an Azure Storage shared key. Source:
    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key.
    """
    account = str(data.get("account") or "")
    date = format_datetime(datetime.fromtimestamp(now / 1000, UTC), usegmt=True)
    headers = [*outgoing.headers, ("x-ms-version", "2021-12-02"), ("x-ms-date", date)]
    by_name = {name.lower(): value for name, value in headers}
    length = str(len(outgoing.content)) if outgoing.content else ""
    standard = ("content-encoding", "content-language", "", "content-md5", "content-type", "date", "if-modified-since",
                "if-match", "if-none-match", "if-unmodified-since", "range")  # fmt: skip
    lines = [outgoing.method, *(by_name.get(name, "") if name else length for name in standard)]
    lines += [f"{name}:{by_name[name]}" for name in sorted(by_name) if name.startswith("x-ms-")]
    parts = urlsplit(outgoing.url)
    lines.append(f"/{account}{parts.path}")
    grouped: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        grouped.setdefault(name.lower(), []).append(value)
    lines += [f"{name}:{','.join(sorted(grouped[name]))}" for name in sorted(grouped)]
    key = base64.b64decode(str(data.get("key") or ""))
    value = base64.b64encode(hmac.digest(key, "\n".join(lines).encode(), "sha256")).decode()
    return replace(outgoing, headers=[*headers, ("authorization", f"SharedKey {account}:{value}")])
