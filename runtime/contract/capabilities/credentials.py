"""Capability: decrypted credentials of the tenant."""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Credentials"]


class Credentials(Protocol):
    """The credentials that the step names. Secrets exist only here, never in an item, an error or a log line."""

    async def get(self, type_: str, item: int = 0) -> Mapping[str, Any]:
        """Return the decrypted fields of the step's credential of this type, for input item `item`.

        Raises MissingCredential when the step names none, or the tenant has none of its name.
        """
