"""Requests that got no response, in the words of Node."""

import httpx

from runtime.contract import NodeApiError

__all__ = ["connection_error"]


def connection_error(error: Exception, url: str) -> NodeApiError:
    """Return n8n's error for a request to `url` that got no response."""
    code = "ECONNREFUSED" if isinstance(error, httpx.ConnectError) else type(error).__name__
    return NodeApiError(_message(error, url), http_code=code)


def _message(error: Exception, url: str) -> str:
    text = str(error) or type(error).__name__
    host = url.split("/")[2] if url.count("/") >= 2 else url
    if "Name or service not known" in text or "nodename nor servname" in text or "No address" in text:
        return f"getaddrinfo ENOTFOUND {host}"
    if isinstance(error, httpx.ConnectError):
        return f"connect ECONNREFUSED {host}: {text}"
    return text
