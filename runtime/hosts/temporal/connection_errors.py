"""Requests that got no response, in Node's terms: the text and the code that a workflow's author sees and may compare.

Source: https://nodejs.org/api/errors.html.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import httpx

from runtime.contract import NodeApiError
from runtime.http import Failure, certificate_failure, connection_failure


def connection_error(error: Exception, url: str, timeout: float) -> NodeApiError:
    """Return n8n's error for a request to `url` that got no response within `timeout` seconds or at all."""
    failure = _failure(error, url, timeout)
    return NodeApiError(
        failure.message,
        http_code=failure.http_code,
        description=failure.description,
        data={"messages": failure.messages},
    )


def _failure(error: Exception, url: str, timeout: float) -> Failure:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return certificate_failure(cause.verify_message)
    return connection_failure(*_code_and_text(error, url, timeout))


def _code_and_text(error: Exception, url: str, timeout: float) -> tuple[str, str]:
    if isinstance(error, httpx.TimeoutException):
        return "ECONNABORTED", f"timeout of {timeout * 1000:g}ms exceeded"
    for cause in _causes(error):
        known = _of_cause(cause, url)
        if known is not None:
            return known
    if isinstance(error, httpx.RemoteProtocolError):
        return _of_protocol(str(error))
    if isinstance(error, httpx.ReadError):
        return "ECONNRESET", "read ECONNRESET"
    if isinstance(error, httpx.WriteError):
        return "EPIPE", "write EPIPE"
    return type(error).__name__, str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_cause(cause: BaseException, url: str) -> tuple[str, str] | None:
    if isinstance(cause, socket.gaierror | UnicodeError):
        again = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
        code = "EAI_AGAIN" if again else "ENOTFOUND"
        return code, f"getaddrinfo {code} {urlsplit(url).hostname}"
    if isinstance(cause, ssl.SSLError):
        return "EPROTO", f"write EPROTO {cause.strerror or cause}"
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode:
        code = errno.errorcode[cause.errno]
        call = _CALLS.get(code, "connect")
        return code, f"{call} {code}" + (f" {_peer(cause, url)}" if call == "connect" else "")
    return None


_CALLS: Final = {"ECONNRESET": "read", "EPIPE": "write"}
"""Error code -> the call that fails with it; all others come from `connect`."""


def _peer(cause: OSError, url: str) -> str:
    """Return `address:port`: the address of asyncio's text, else the host of the URL."""
    named = _ADDRESS.search(str(cause))
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{named[1] if named else parts.hostname}:{named[2] if named else port}"


_ADDRESS: Final = re.compile(r"\('([^']+)', (\d+)")


def _of_protocol(text: str) -> tuple[str, str]:
    if "without sending complete message body" in text:
        return "ECONNRESET", "aborted"
    if "without sending a response" in text:
        return "ECONNRESET", "socket hang up"
    return "HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/, RTSP/ or ICE/"
