"""A run's events as the API sends them, from the first one to the end, over as many connections as that takes."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import typer

from cli.support.proxies import is_elsewhere, refuse_socks

__all__ = ["Event", "events_of_lines", "follow"]

PAUSE_SECONDS: Final = 1.0
"""Between two connections."""
MAX_FAILURES: Final = 30
"""Connections that fail one after the other before the API counts as away."""


class Event(NamedTuple):
    """A server-sent event; `id` is the number of the last step."""

    kind: str
    id: str
    data: Any


def follow(url: str, path: str, key: str | None) -> Iterator[Event]:
    """Yield the events of a run, each once, and `end` at last. A connection that is cut is made again where it ended.

    Raises:
        typer.Exit: code 1 when the API refuses, 2 when none answers.
    """
    import httpx

    last, failures = "0", 0
    while True:
        headers = {"X-API-Key": key or "", "Last-Event-ID": last}
        try:
            address, elsewhere = url.rstrip("/") + path, is_elsewhere(url)
            with httpx.stream("GET", address, headers=headers, timeout=60, trust_env=elsewhere) as response:
                if response.is_error:
                    response.read()
                    typer.echo(f"{response.status_code}: {_detail(response.content)}", err=True)
                    raise typer.Exit(1)
                for event in events_of_lines(response.iter_lines()):
                    last, failures = event.id or last, 0
                    yield event
                    if event.kind == "end":
                        return
        except ImportError as error:
            refuse_socks(url, error)
        except httpx.HTTPError as error:
            failures += 1
            if failures > MAX_FAILURES:
                typer.echo(f"{url} does not answer ({type(error).__name__}).", err=True)
                raise typer.Exit(2) from None
            typer.echo("reconnecting", err=True)
        time.sleep(PAUSE_SECONDS)


def events_of_lines(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a stream's lines; comments are left out. See https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    kind, id_ = "message", ""
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(kind, id_, json.loads("\n".join(data)))
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "id":
            id_ = value
        elif name == "data":
            data.append(value)


def _detail(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("detail", "")) if isinstance(document, dict) else ""
