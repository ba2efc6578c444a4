"""Options that choose runs, for every verb that lists or repairs them."""

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from schemas.kinds import TriggerKind

__all__ = ["Declared", "Fingerprint", "Since", "Template", "Trigger", "Until", "User", "Version"]


class Version(StrEnum):
    """Which version of a template a retry takes."""

    ORIGINAL = "original"
    CURRENT = "current"


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
    str | None, typer.Option(help="Runs that started then or later, such as 2026-01-15T12:00; in UTC without a zone.")
]
Until: TypeAlias = Annotated[str | None, typer.Option(help="Runs that started earlier than that.")]
