"""Whether a request shows something of a credential, wherever its author or a vendor's description put it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from runtime.http.request import Outgoing

__all__ = ["shows"]

_LEAST: Final = 6
"""Characters from which on a value is looked for: shorter ones, such as a region, are in too many requests by chance."""


def shows(outgoing: Outgoing, data: Mapping[str, Any], home: str) -> bool:
    """Return whether a value of a credential is in the address, the headers or the body of a request.

    Args:
        outgoing: the request.
        data: the credential's fields.
        home: the address that the credential was sent to: what is in its host, such as a subdomain, is no secret.
    """
    host = (urlsplit(home).hostname or "").lower()
    content = outgoing.content.decode("latin-1") if isinstance(outgoing.content, bytes) else ""
    text = "\n".join(
        [outgoing.url, unquote(outgoing.url), content, unquote(content), *(each for _, each in outgoing.headers)]
    )
    values = (each for each in _texts(data) if len(each) >= _LEAST and each.lower() not in host)
    return any(each in text or each.encode().decode("latin-1") in text for each in values)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
