"""What a model says in pieces, put together once: a text that grows by each piece takes time with the square of its length."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

import orjson

__all__ = ["Calls", "Pieces", "arguments_of"]


class Pieces:
    """Texts by key."""

    def __init__(self) -> None:
        self._pieces: defaultdict[Hashable, list[str]] = defaultdict(list)

    def add(self, key: Hashable, piece: str) -> None:
        """Add a piece to the text of a key."""
        self._pieces[key].append(piece)

    def texts(self) -> dict[Any, str]:
        """Return each text by its key, in the order of their first pieces."""
        return {key: "".join(pieces) for key, pieces in self._pieces.items()}


class Calls:
    """Calls of functions as OpenAI's chat API and those after it stream them: id and name once, arguments in pieces."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments = Pieces()

    def add(self, index: int, call: Mapping[str, Any]) -> None:
        """Take what an event says of the call at this place."""
        known, function = self._calls.setdefault(index, {"id": "", "name": ""}), call.get("function") or {}
        known["id"] = call.get("id") or known["id"]
        known["name"] = function.get("name") or known["name"]
        self._arguments.add(index, function.get("arguments") or "")

    def whole(self) -> list[dict[str, Any]]:
        """Return the calls in their order, in the form that they have without a stream."""
        arguments = self._arguments.texts()
        return [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": arguments[index]}}
            for index, call in sorted(self._calls.items())
        ]


def arguments_of(text: str) -> dict[str, Any]:
    """Return a call's arguments; what is no JSON object becomes `input`."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        value = text
    return value if isinstance(value, dict) else {"input": value}
