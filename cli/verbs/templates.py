"""`tempor8 templates`: published templates over the REST API."""

from typing import Annotated, TypeAlias

import typer

from cli.support.options import verb
from cli.support.rest import DEFAULT_URL, Key, Url, client, show

app = verb()

Template: TypeAlias = Annotated[str, typer.Argument(help="Key of a published template.")]


@app.callback()
def templates() -> None:
    """List, activate, deactivate and delete published templates. Answers are JSON on standard output.

    Exit code 0: done. 1: the API refused. 2: usage, or no API there.
    """


@app.command("list")
def list_(url: Url = DEFAULT_URL, key: Key = None) -> None:
    """List the templates that the tenant may start."""
    show(client(url, key).templates_list())


@app.command()
def versions(template: Template, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """List the versions of a template, the newest first."""
    show(client(url, key).templates_versions(template))


@app.command()
def activate(
    template: Template,
    version: Annotated[int | None, typer.Option(help="The version to make current first.", min=1)] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Let a template listen at its webhooks and start by its schedules."""
    show(client(url, key).templates_activate(template, version=version))


@app.command()
def deactivate(template: Template, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Let a template start no more by itself; starts by REST and by other workflows still find it."""
    show(client(url, key).templates_deactivate(template))


@app.command()
def schedules(template: Template, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show when a template starts by itself, and what Temporal said of its rules."""
    show(client(url, key).templates_schedules(template))


@app.command()
def delete(
    template: Template,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Delete a template with its versions, schedules, runs (open ones are terminated), results and payloads."""
    if not yes and typer.prompt(f"All runs of {template} will be gone for good. Type its key to go on") != template:
        typer.echo("nothing was deleted", err=True)
        raise typer.Exit(1)
    show(client(url, key).templates_delete(template))
