"""The answer to an outgoing HTTP request, as nodes see it."""

from dataclasses import dataclass

from runtime.values.streams import StoredFile

__all__ = ["HttpResponse"]


@dataclass(frozen=True)
class HttpResponse:
    """What came back. `body` is the whole body, unless `store` let a long one go straight into storage."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    url: str = ""
    stored: StoredFile | None = None
    """Where the body is, when it was too long to be held: `body` is empty then."""

    def header(self, name: str) -> str | None:
        """The last header of this name, any case."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name.lower()), None)
