"""Hosts that an author names: patterns that say where a credential may be sent, and the constant hosts in parameters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Self
from urllib.parse import urlsplit

__all__ = ["ADDRESSES", "ANY_HOST", "BadHostError", "HostPattern", "literal_hosts"]

ADDRESSES: Final = (
    ("url",),
    ("endpoint",),
    ("options", "baseURL"),
    ("options", "pagination", "pagination", "nextURL"),
)
"""The parameters, as paths, in which an author writes an address that a credential is sent to."""
ANY_HOST: Final = "*"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ENDS: Final = frozenset("/?#\"'`")
"""What ends the authority of an address inside of an expression, besides the end of the text."""
_NEVER_IN_A_HOST: Final = frozenset("{}$<>\\|^%,;() \t\r\n")


class BadHostError(ValueError):
    """A text is no pattern of hosts. The message names it."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a host: write host, host:port, *.domain, or * for every host")


@dataclass(frozen=True)
class HostPattern:
    """`host`, `host:port`, `*.domain` (every subdomain, as in n8n), `*` (every host). Without a port every port matches."""

    name: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the pattern of a text; of an address its host. Raise BadHostError."""
        text = text.strip()
        if text == ANY_HOST:
            return cls(ANY_HOST)
        wild = text.startswith("*.")
        address = text if "://" in text else f"https://{text[2:] if wild else text}"
        try:
            parts = urlsplit(address)
            host, port = host_of(parts.hostname), parts.port
        except ValueError:
            raise BadHostError(text) from None
        if not host or "*" in host or parts.username is not None or _NEVER_IN_A_HOST & set(host):
            raise BadHostError(text)
        if "://" not in text and (parts.path or parts.query or parts.fragment):
            raise BadHostError(text)
        return cls(f"*.{host}" if wild else host, port)

    def matches(self, host: str, port: int) -> bool:
        """Return whether a request to this host and port may carry what the pattern is for."""
        if self.port not in (None, port):
            return False
        if self.name.startswith("*."):
            return host.endswith(self.name[1:]) and len(host) > len(self.name) - 1
        return self.name in (ANY_HOST, host)

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def host_of(name: str | None) -> str:
    """Return a host's name in the one form in which hosts are compared: ASCII, small letters, no dot at the end.

    Raises:
        ValueError: it is no name of a host.
    """
    text = (name or "").rstrip(".").lower()
    return text if text.isascii() else text.encode("idna").decode("ascii")


def target_of(url: str) -> tuple[str, int]:
    """Return host and port of an http(s) address. Raise ValueError when it is none."""
    parts = urlsplit(url)
    host = host_of(parts.hostname)
    if not host or parts.scheme not in _DEFAULT_PORTS:
        raise ValueError(url)
    return host, parts.port or _DEFAULT_PORTS[parts.scheme]


def literal_hosts(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hosts that stand as constants in the addresses of a node's parameters as written, sorted.

    In an expression a host counts when the text goes on with `/`, `?`, `#` or the end of a string: of
    `=https://api.example.com/{{ $json.id }}` and of `={{ "https://api.example.com/" + $json.id }}`, but not of
    `=https://{{ $json.region }}.example.com/`.
    """
    texts = [text for place in ADDRESSES for text in _texts(parameters, place)]
    return tuple(sorted({host for text in texts for host in _hosts_in(text)}))


def _texts(parameters: Mapping[str, Any], place: Iterable[str]) -> Iterable[str]:
    value: Any = parameters
    for key in place:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        yield value


def _hosts_in(text: str) -> Iterable[str]:
    pieces = text.split("://")
    if text.removeprefix("=").lstrip()[:4].lower() == "http":  # what else is in it is a path or a query
        pieces = pieces[:2]
    for before, after in pairwise(pieces):
        if before[-5:].lower().endswith(("http", "https")):
            end = next((i for i, sign in enumerate(after) if sign in _ENDS), len(after))
            try:
                yield str(HostPattern.parse(f"https://{after[:end]}"))
            except BadHostError:
                continue
