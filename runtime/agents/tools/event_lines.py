"""Server-sent events of MCP servers (HTML Living Standard, 9.2), which have names; those of models are read by `dialects.event_stream`."""

__all__ = ["EventLines"]


class EventLines:
    """Cuts bytes, as they come, into events: pairs of name and data."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        """Pieces of a line whose end has not come: joined once, since a line may come in very many."""
        self._name, self._data = "", list[str]()

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """Return the events that these bytes complete."""
        found = list[tuple[str, str]]()
        ended, end, begun = piece.rpartition(b"\n")
        if not end:
            self._begun.append(piece)
            return found
        lines = b"".join((*self._begun, ended)).split(b"\n")
        self._begun = [begun]
        for line in (each.removesuffix(b"\r").decode("utf-8", "replace") for each in lines):
            field, _, value = line.partition(":")
            if not line:
                if self._data:
                    found.append((self._name or "message", "\n".join(self._data)))
                self._name, self._data = "", []
            elif field == "data":
                self._data.append(value.removeprefix(" "))
            elif field == "event":
                self._name = value.removeprefix(" ")
        return found
