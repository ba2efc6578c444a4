"""What a vendor delivers to a trigger that is registered there, and what the trigger makes of it before a run begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.item import Items

__all__ = ["Answer", "Delivery"]


@dataclass(frozen=True)
class Delivery:
    """A request to the address under which a trigger is registered. Header names are lower case."""

    method: str
    url: str
    """The address that the vendor was given."""
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    raw: bytes
    """The body as it was signed."""
    body: Any
    """Parsed by its content type; None: there is none."""
    now: float
    """Milliseconds since the epoch."""
    registration: str
    """A word that only this registration and the vendor know, of which secrets are made."""
    node_id: str
    state: Mapping[str, Any]
    """What the registration remembers: n8n's static data of the node."""
    credential: Mapping[str, Any] = field(default_factory=dict)
    """The decrypted credential, of a trigger that says so (`delivery_credential`)."""


@dataclass(frozen=True)
class Answer:
    """The reply to a delivery, and the items with which a run begins."""

    items: Items | None = None
    """None: no run begins."""
    status: int = 200
    json: Any = None
    text: str | None = None
    """In place of `json`; both None: an acknowledgement."""
    error: str | None = None
    """Why the delivery could not be read."""
