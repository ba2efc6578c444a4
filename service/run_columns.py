"""What is sealed in the rows of runs: errors, the message of a problem, and the user for whom a run was started."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from service.columns import Columns
from service.storable import storable_json, storable_text

__all__ = ["error_pair", "open_error", "open_problem", "open_user", "seal_problem", "seal_user", "user_forms"]

MAX_USER: Final = 512
"""Characters of a user id: an index has it."""
MAX_USER_BYTES: Final = 1024
USER: Final = "user"
MESSAGE, SEALED_MESSAGE = "message", "sealed"
"""Members of a problem: its text in clear, and sealed, in base64."""


def error_pair(
    columns: Columns, place: tuple[str, ...], error: Mapping[str, Any] | None
) -> tuple[str | None, bytes | None]:
    """Return an error as JSON: (clear, sealed). `place`: id of the run, and for a step its number."""
    text = None if error is None else json.dumps(storable_json(dict(error)))
    return columns.pair(("error", *place), text)


async def open_error(columns: Columns, place: tuple[str, ...], clear: Any, sealed: bytes | None) -> Any:
    """Return the error of `error_pair`; `clear` is parsed. Raise SealError."""
    await columns.load([sealed])
    return columns.json(("error", *place), clear, sealed)


def seal_problem(columns: Columns, id_: str, problem: Mapping[str, Any] | None) -> str | None:
    """Return a problem as JSON with its message sealed; kind, cause and times stay as they are, since they are searched for."""
    if problem is None:
        return None
    members = storable_json(dict(problem))
    _, sealed = columns.pair(("problem", id_), members.get(MESSAGE))
    if sealed is not None:
        members = {name: value for name, value in members.items() if name != MESSAGE}
        members[SEALED_MESSAGE] = base64.b64encode(sealed).decode()
    return json.dumps(members)


async def open_problem(columns: Columns, id_: str, problem: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a problem with its message in clear. Raise SealError."""
    if problem is None or SEALED_MESSAGE not in problem:
        return problem
    sealed = base64.b64decode(problem[SEALED_MESSAGE])
    await columns.load([sealed])
    rest = {name: value for name, value in problem.items() if name != SEALED_MESSAGE}
    return {**rest, MESSAGE: columns.text(("problem", id_), None, sealed)}


def seal_user(columns: Columns, user: str | None) -> str | None:
    """Return a user id as a column has it: equal ones alike."""
    return None if user is None else user_forms(columns, user)[0]


def user_forms(columns: Columns, user: str) -> list[str]:
    """Return every form in which a column may have a user id."""
    cut = storable_text(str(user), MAX_USER).encode()[:MAX_USER_BYTES].decode(errors="ignore")
    return columns.searchable(USER, cut)


async def open_user(columns: Columns, stored: str | None) -> str | None:
    """Return the user id of `seal_user`. Raise SealError."""
    return await columns.open_searchable(USER, stored)
