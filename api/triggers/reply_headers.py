"""The headers of a workflow's reply: which it may set, and what is set whatever it says.

A workflow speaks on an address that it shares with other tenants, and with the API unless `TEMPOR8_CONTENT_URL` names another
host. So it decides about its own reply alone: not about the connection, nor about the whole origin.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

__all__ = ["SANDBOX", "HeaderError", "check_header", "reply_headers"]

SANDBOX: Final = (
    "sandbox allow-downloads allow-forms allow-modals allow-orientation-lock allow-pointer-lock allow-popups "
    "allow-popups-to-escape-sandbox allow-presentation allow-scripts allow-top-navigation-by-user-activation "
    "allow-top-navigation-to-custom-protocols"
)
"""A page from a workflow must not act as a page of the service's origin (n8n sends the same)."""
POLICY: Final = "content-security-policy"
OF_CONNECTION: Final = frozenset(
    {
        "connection", "content-length", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Framing and hop-by-hop headers (RFC 9110, 7.6.1): they are the server's, and a workflow's are left out."""
OF_ORIGIN: Final = frozenset(
    {
        "access-control-allow-credentials", "alt-svc", "clear-site-data", "expect-ct", "nel", "origin-agent-cluster",
        "public-key-pins", "report-to", "service-worker-allowed", "set-login", "strict-transport-security",
    }
)  # fmt: skip
"""Headers that hold for more than this reply, or open it to cookies of others: left out, too."""
FORCED: Final = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
"""`no-referrer`: the addresses of waits are secrets."""
MAX_BYTES: Final = 64 * 1024
"""Of all headers of a reply: more than any proxy takes."""
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SAFE_IN_ADDRESS: Final = "!#$%&'()*+,/:;=?@[]~"


class HeaderError(Exception):
    """HTTP cannot carry a header. The message names it, and never shows its value."""


def check_header(name: str, value: str) -> None:
    """Raise HeaderError unless HTTP can carry the header."""
    if not _NAME.fullmatch(name):
        raise HeaderError(f"Invalid name of a response header: {name[:100]!r}. It has letters, digits and '-' alone.")
    if not _VALUE.fullmatch(value):
        raise HeaderError(
            f"Invalid value of the response header '{name[:100]}'. It has a line break, another control character, or one "
            "beyond Latin-1; encode it."
        )


def reply_headers(headers: Mapping[str, str], tenant: str, policy: str | None = None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a reply as they are sent.

    Args:
        headers: lower-case names with what the workflow and its nodes say.
        tenant: whose workflow: its cookies are sent to its webhooks alone.
        policy: Content-Security-Policy of a page of the service; None: the reply is the workflow's and goes into the sandbox.

    Raises:
        HeaderError: HTTP cannot carry one, or all are too large.
    """
    pairs = list(_pairs(headers, tenant, policy))
    encoded = []
    for name, value in pairs:
        check_header(name, value)
        encoded.append((name.encode("latin-1"), value.encode("latin-1")))
    if sum(len(name) + len(value) for name, value in encoded) > MAX_BYTES:
        raise HeaderError(f"The response headers have more than {MAX_BYTES:,} bytes.")
    return encoded


def _pairs(headers: Mapping[str, str], tenant: str, policy: str | None) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        if name in OF_CONNECTION or name in OF_ORIGIN or name in FORCED or name == POLICY:
            continue
        if name == "location":
            yield name, _address(value)
        elif name == "set-cookie":
            yield name, _cookie(value, tenant)
        else:
            yield name, value
    yield from FORCED.items()
    if policy is not None:
        yield POLICY, policy
    else:  # policies in a list all hold: the workflow's own can forbid more, and allow nothing
        own = headers.get(POLICY, "").strip()
        yield POLICY, f"{SANDBOX}, {own}" if own else SANDBOX


def _address(value: str) -> str:
    """Return an address with what is not ASCII escaped, as Express does."""
    return quote(value, safe=_SAFE_IN_ADDRESS, errors="replace") if not value.isascii() else value


def _cookie(value: str, tenant: str) -> str:
    """Return a cookie that comes back to the tenant's own webhooks only, whatever Domain and Path it was given."""
    first, *attributes = value.split(";")
    kept = [each for each in attributes if each.partition("=")[0].strip().lower() not in ("domain", "path")]
    return ";".join([first, *kept, f" Path=/webhook/{quote(tenant, safe='')}"])
