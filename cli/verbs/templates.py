"""`tempor8 templates`: published templates over the REST API."""

from typing import Annotated

import typer

from cli.support.options import verb
from cli.support.rest import DEFAULT_URL, Key, Url, call, show

app = verb()


@app.callback()
def templates() -> None:
    """List and delete published templates. Answers are JSON on standard output.

    Exit code 0: done. 1: the API refused. 2: usage, or no API there.
    """


@app.command("list")
def list_(url: Url = DEFAULT_URL, key: Key = None) -> None:
    """List the templates that the tenant may start."""
    show(call("GET", url, "/templates", key))


@app.command()
def schedules(
    template: Annotated[str, typer.Argument(help="Key of a published template.")],
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Show when a template starts by itself, and what Temporal said of its rules."""
    show(call("GET", url, f"/templates/{template}/schedules", key))


@app.command()
def delete(
    template: Annotated[str, typer.Argument(help="Key of a published template.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Delete a template with its versions, schedules, runs (open ones are terminated), results and payloads."""
    if not yes and typer.prompt(f"All runs of {template} will be gone for good. Type its key to go on") != template:
        typer.echo("nothing was deleted", err=True)
        raise typer.Exit(1)
    show(call("DELETE", url, f"/templates/{template}", key))
