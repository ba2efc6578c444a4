"""What a declarative node of n8n has of each request beside its operation: a time limit, a proxy, certificates that are not verified.

Its batches are not kept: the limits of the vendor's credential are (decision 0084).
"""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from runtime.contract import NodeError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string

__all__ = ["RequestOptions"]

_TIMEOUT_SECONDS: Final = 300.0


@dataclass(frozen=True)
class RequestOptions:
    """How requests are sent."""

    timeout: float = _TIMEOUT_SECONDS
    """Seconds."""
    verify: bool = True
    proxy: str | None = None
    """Its URL."""

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Return the options of an item. Raise NodeError for a proxy that is no address."""
        given = scope.parameters.get("requestOptions") or {}
        milliseconds = js_number(given.get("timeout") or 0)
        return cls(
            milliseconds / 1000 if milliseconds > 0 else _TIMEOUT_SECONDS,
            not given.get("allowUnauthorizedCerts"),
            _proxy(js_string(given["proxy"]), scope.index) if given.get("proxy") else None,
        )


def _proxy(text: str, item: int) -> str:
    """Return the URL of a proxy, which may be without its scheme."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and parts.port is not None and " " not in text
    except ValueError:
        known = False
    if not known:
        raise NodeError("The proxy is not valid", description="It is written as http://host:port.", item=item)
    return url
