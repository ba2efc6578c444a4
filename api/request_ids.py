"""The id of a request: the caller's `X-Request-Id`, or a new one. Its response, its log lines and its audit row have it."""

import re
import uuid
from typing import Any, Final

from litestar.types import Message, Scope

__all__ = ["request_id_header", "request_id_of"]

FORM: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Of a caller's id that is taken over."""
STATE: Final = "request_id"


def request_id_of(scope: Scope) -> str:
    """Return the id of a request, the same whenever it is asked for."""
    state: dict[str, Any] = scope["state"]
    if STATE not in state:
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        state[STATE] = given if FORM.fullmatch(given) else str(uuid.uuid4())
    request_id: str = state[STATE]
    return request_id


async def request_id_header(message: Message, scope: Scope) -> None:
    """Add the id to an answer, unless a workflow's has one of its own: a hook for every message that is sent."""
    if message["type"] == "http.response.start":
        headers: list[Any] = list(message.get("headers") or ())
        if not any(name.lower() == b"x-request-id" for name, _ in headers):
            message["headers"] = [*headers, (b"x-request-id", request_id_of(scope).encode())]
