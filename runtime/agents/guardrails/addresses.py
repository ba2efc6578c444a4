"""Addresses in a text, with and without a scheme, and which of them are allowed."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.values.patterns import compile_pattern

__all__ = ["AddressRules", "inspect_addresses", "rules_of"]

_REST: Final = r"[^\s<>\"{}|\\^`\[\]]+"
_WITH_SCHEME: Final = tuple(
    compile_pattern(scheme + _REST, "gi")
    for scheme in ("https?://", "ftp://", "data:", "javascript:", "vbscript:", "mailto:")
)
_WITHOUT: Final = (
    compile_pattern(r"\b(?:www\.)?[a-zA-Z0-9][a-zA-Z0-9.-]*\.[a-zA-Z]{2,}(?:/[^\s]*)?", "gi"),
    compile_pattern(r"\b(?:\d{1,3}\.){3}\d{1,3}(?:/[^\s]*)?", "gi"),
)
WITHOUT_HOST: Final = frozenset({"data", "javascript", "vbscript", "mailto"})


@dataclass(frozen=True)
class AddressRules:
    """What an address must be: of these schemes, without a user's name, on the list."""

    allowed: Sequence[str]
    schemes: Sequence[str]
    block_users: bool = True
    subdomains: bool = True


def inspect_addresses(text: str, rules: AddressRules) -> dict[str, Any]:
    """Return `detected`, `allowed`, `blocked` and `blockedReasons` (n8n)."""
    detected = _addresses(text)
    reasons = {each: reason for each in detected if (reason := _refusal(each, rules)) is not None}
    return {
        "detected": detected,
        "allowed": [each for each in detected if each not in reasons],
        "blocked": list(reasons),
        "blockedReasons": [f"{each}: {reason}" for each, reason in reasons.items()],
    }


def _addresses(text: str) -> list[str]:
    found = [each for pattern in _WITH_SCHEME for each in pattern.find_all(text)]
    hosts = {_host_as_written(each) for each in found if "://" in each}
    bare = [each for pattern in _WITHOUT for each in pattern.find_all(text)]
    found += [each for each in bare if _host_as_written(each) not in hosts]
    return list(dict.fromkeys(found))


def _host_as_written(address: str) -> str:
    host = address.partition("://")[2] if "://" in address else address
    for end in "/?#:":
        host = host.partition(end)[0]
    return host.lower()


def _refusal(address: str, rules: AddressRules) -> str | None:
    scheme, colon, _ = address.partition(":")
    known = colon and (scheme.lower() in WITHOUT_HOST or "://" in address)
    scheme = scheme.lower() if known else "http"
    if scheme not in rules.schemes:
        return f"Blocked scheme: {scheme}"
    if scheme in WITHOUT_HOST:
        return None
    try:
        parts = urlsplit(address if known else f"http://{address}")
        host, port, path = (parts.hostname or "").lower(), parts.port, parts.path
    except ValueError:
        return "Invalid URL format"
    if rules.block_users and parts.username is not None:
        return "Contains userinfo (potential credential injection)"
    allowed = any(_allows(entry.strip(), scheme, host, port, path, rules) for entry in rules.allowed)
    return None if allowed else "Not in allow list"


def _allows(entry: str, scheme: str, host: str, port: int | None, path: str, rules: AddressRules) -> bool:
    if not entry:
        return False
    try:
        if ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False):
            return True
    except ValueError:  # one of them is a name
        pass
    try:
        wanted = urlsplit(entry if "://" in entry else f"//{entry}")
        wanted_host, wanted_port = (wanted.hostname or "").lower(), wanted.port
    except ValueError:
        return False
    if (wanted.scheme and wanted.scheme.lower() != scheme) or (wanted_port is not None and wanted_port != port):
        return False
    same = host == wanted_host or (rules.subdomains and host.endswith(f".{wanted_host}"))
    return (
        bool(wanted_host) and same and path.startswith(wanted.path.rstrip("/") if wanted.path == "/" else wanted.path)
    )


def rules_of(values: Mapping[str, Any]) -> AddressRules:
    """Return the rules that the node's values say."""
    schemes = values.get("allowedSchemes")
    return AddressRules(
        str(values.get("allowedUrls") or "").split(","),
        [str(each).lower() for each in schemes] if isinstance(schemes, list) else ["https"],
        values.get("blockUserinfo", True) is not False,
        values.get("allowSubdomains", True) is not False,
    )
