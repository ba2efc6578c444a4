"""What an HTTP request declares about itself: the credential that its parameters name, and what it changes."""

from typing import Any, Final

from runtime.http.credentials import is_generic
from schemas.facts import CredentialUse, is_literal

__all__ = ["credential_uses", "mutation"]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def credential_uses(type_: Any) -> list[CredentialUse]:
    """Return the one use of a credential type that is a constant."""
    known = isinstance(type_, str) and type_ and is_literal(type_)
    return [CredentialUse(type_, generic=is_generic(type_))] if known else []


def mutation(method: Any) -> str | None:
    """Return what a request with this method changes; the effect of a computed method is unknown."""
    name = str(method or "GET")
    return None if name.upper() in _SAFE or not is_literal(name) else f"its {name} request"
