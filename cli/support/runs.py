"""Options that choose runs, for every verb that lists or repairs them."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from schemas.kinds import TriggerKind

__all__ = ["Declared", "Fingerprint", "Since", "Template", "Trigger", "Until", "User", "Version"]


class Version(StrEnum):
    """Which version of a template a retry takes."""

    ORIGINAL = "original"
    CURRENT = "current"


def moment(text: str) -> str:
    """Return a time as the API takes it; one without a zone is in UTC. Raises BadParameter."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time, such as 2026-01-15 or 2026-01-15T12:00") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


Template: TypeAlias = Annotated[str | None, typer.Option(help="Runs of this template.")]
Trigger: TypeAlias = Annotated[TriggerKind | None, typer.Option(help="Runs that this started.")]
User: TypeAlias = Annotated[str | None, typer.Option(help="Runs of this user_id.")]
Fingerprint: TypeAlias = Annotated[
    str | None, typer.Option(help="Failed runs of one cause, as `tempor8 repair failures` shows it.")
]
Declared: TypeAlias = Annotated[
    str | None, typer.Option("--field", help="Runs that have declared this: name=value, such as order=4711.")
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        parser=moment,
        metavar="TIME",
        help="Runs that started then or later, such as 2026-01-15T12:00; in UTC without a zone.",
    ),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option(parser=moment, metavar="TIME", help="Runs that started earlier than that.")
]
