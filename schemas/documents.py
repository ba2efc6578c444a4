"""What documents of MongoDB hold beside JSON. Nodes give these to a session; what comes back is JSON."""

from dataclasses import dataclass

__all__ = ["DocumentDate", "DocumentId"]


@dataclass(frozen=True)
class DocumentId:
    """An ObjectId: 24 hexadecimal digits."""

    digits: str


@dataclass(frozen=True)
class DocumentDate:
    """A date: milliseconds since 1970. None: what was written is no date, which n8n stores as 1970."""

    milliseconds: int | None
