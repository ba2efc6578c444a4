"""The header of Stripe, which others have taken over: `t=<seconds>,v1=<signature>,v1=<another>`."""

from typing import Any

from runtime.integrations.scope import Scope

__all__ = ["SignedHeader"]


class SignedHeader:
    """Reads the header of this name. Its methods are functions of a vendor's module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _values(self, scope: Scope, key: str) -> list[str]:
        pairs = [each.strip().partition("=") for each in str(scope.names["headers"].get(self._name) or "").split(",")]
        return [value for name, _, value in pairs if name == key]

    def sent_at(self, scope: Scope) -> Any:
        """Return the seconds at which it was sent."""
        return next(iter(self._values(scope, "t")), None)

    def signatures(self, scope: Scope) -> list[str]:
        """Return the signatures, of which any may be right while a secret is replaced."""
        return self._values(scope, "v1")

    def signed(self, scope: Scope) -> str:
        """Return what is signed."""
        return f"{self.sent_at(scope) or ''}.{scope.names['raw']}"
