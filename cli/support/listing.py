"""A list for people, or with `--json` one JSON object a line for programs."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from cli.support.json_text import json_text

__all__ = ["Json", "write_list"]

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
T = TypeVar("T")


def write_list(
    entries: Iterable[T], line: Callable[[T], str], members: Callable[[T], Mapping[str, Any]], *, as_json: bool
) -> None:
    """Write each entry as its line, or as a JSON object of its members. Moments are ISO 8601."""
    for each in entries:
        typer.echo(json_text({name: _plain(value) for name, value in members(each).items()}) if as_json else line(each))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return sorted(value) if isinstance(value, set | frozenset) else value
