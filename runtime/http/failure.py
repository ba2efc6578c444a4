"""What n8n tells about a request that failed: its NodeApiError texts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.values.javascript import js_string

STATUS_MESSAGES: Final = {
    400: "Bad request - please check your parameters",
    401: "Authorization failed - please check your credentials",
    402: "Payment required - perhaps check your payment details?",
    403: "Forbidden - perhaps check your credentials?",
    404: "The resource you are requesting could not be found",
    405: "Method not allowed - please check you are using the right HTTP method",
    429: "The service is receiving too many requests from you",
    500: "The service was not able to process your request",
    502: "Bad gateway - the service failed to handle your request",
    503: (
        "Service unavailable - try again later or consider setting this node to retry automatically (in the node settings)"
    ),
    504: "Gateway timed out - perhaps try again later?",
}
_CLASS_MESSAGES: Final = {
    4: "Your request is invalid or could not be processed by the service",
    5: "The service failed to process your request",
}
CONNECTION_MESSAGES: Final = {
    "ECONNREFUSED": "The service refused the connection - perhaps it is offline",
    "ECONNRESET": (
        "The connection to the server was closed unexpectedly, perhaps it is offline. "
        "You can retry the request immediately or wait and retry later."
    ),
    "ENOTFOUND": "The connection cannot be established, this usually occurs due to an incorrect host (domain) value",
    "ETIMEDOUT": "The connection timed out, consider setting the 'Retry on Fail' option in the node settings",
    "ECONNABORTED": "The connection was aborted, perhaps the server is offline",
    "EAI_AGAIN": "The DNS server returned an error, perhaps the server is offline",
    "EHOSTUNREACH": "The host is unreachable, perhaps the server is offline",
    "EPIPE": "The connection to the server was closed unexpectedly, perhaps it is offline",
}
TLS_MESSAGE: Final = "SSL Issue: consider using the 'Ignore SSL issues' option"
"""What n8n says of a certificate that does not hold; the description tells why."""
_MESSAGE_KEYS: Final = (
    "cause", "error", "message", "Message", "msg", "messages", "description", "reason", "detail", "details", "errors",
    "errorMessage", "errorMessages", "ErrorMessage", "error_message", "_error_message", "errorDescription",
    "error_description", "error_summary", "error_info", "title", "text", "field", "err", "type",
)  # fmt: skip
_TOO_MANY_REQUESTS = 429
_BATCHING_HINT = "Try spacing your requests out using the batching settings under 'Options'"


@dataclass(frozen=True)
class Failure:
    """The parts of n8n's NodeApiError."""

    message: str
    description: str | None = None
    http_code: str | None = None
    messages: list[str] = field(default_factory=list)


def status_failure(status: int, raw: str, body: Any) -> Failure:
    """Return the failure of a response whose status counts as an error. `raw` is axios' text for it, `body` the
    response parsed.
    """
    raw = _BATCHING_HINT if status == _TOO_MANY_REQUESTS else raw
    message = STATUS_MESSAGES.get(status) or _CLASS_MESSAGES.get(status // 100) or raw
    description = error_text(body)
    if description is None and status // 100 in _CLASS_MESSAGES and body != []:
        description = raw
    return Failure(message, description, str(status), [raw])


def connection_failure(code: str, raw: str) -> Failure:
    """Return the failure of a request without any response: `code` is Node's name for it (ECONNREFUSED, ...), `raw` its
    text.
    """
    known = CONNECTION_MESSAGES.get(code)
    return Failure(known or raw, None, code, [raw, raw] if known else [raw])


def certificate_failure(reason: str) -> Failure:
    """Return the failure of a request to a server whose certificate does not hold, for OpenSSL's `reason`."""
    return Failure(TLS_MESSAGE, reason, None, [TLS_MESSAGE])


def error_text(value: Any) -> str | None:
    """Return the sentence in an error body: the first known member that holds one, lists joined with ' | '; None if
    there is none.
    """
    if isinstance(value, bool) or value is None or value == 0:
        return None
    if isinstance(value, str | int | float):
        return js_string(value) or None
    if isinstance(value, list):
        return " | ".join(filter(None, map(error_text, value))) or None
    if not isinstance(value, dict):
        return None
    return _first(_member(value[key]) for key in _MESSAGE_KEYS if key in value)


def _member(value: Any) -> str | None:
    return error_text(value)


def _first(candidates: Iterable[str | None]) -> str | None:
    return next((each for each in candidates if each), None)
