"""`tempor8 integrations`: the vendors whose nodes run, and drafts of new ones."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.support.listing import Json, write_list
from cli.support.options import verb

app = verb()
Vendor = Annotated[str, typer.Argument(help="A folder's name or a node type, such as slack or n8n-nodes-base.slack.")]


@app.callback()
def integrations() -> None:
    """List, show, draft and check the nodes of vendors.

    Exit code 0: done. 1: `check` found something. 2: usage, no such vendor, or a file that cannot be read.
    """


@app.command("list")
def list_(json: Json = False) -> None:
    """List folder, node type, versions and number of operations of each."""
    from runtime.integrations.loader import descriptors, folders

    rows: list[dict[str, Any]] = [
        {
            "folder": folder,
            "type": each.type,
            "operations": len(each.operations),
            "versions": [f"{version:g}" for version in each.versions],
        }
        for folder in folders()
        for each in descriptors(folder)
    ]
    write_list(
        rows,
        lambda row: f"{row['folder']:<20}  {row['type']:<42}  {row['operations']:>3}  {', '.join(row['versions'])}",
        lambda row: row,
        as_json=json,
    )


@app.command()
def show(vendor: Vendor) -> None:
    """Show versions, credentials, operations and what is missing of one."""
    from runtime.integrations.pages import page

    typer.echo(page(_folder(vendor)))


@app.command()
def check(vendor: Annotated[str | None, typer.Argument(help="Only this one.")] = None) -> None:
    """Compare descriptors with the parameters of their nodes, in both directions."""
    from runtime.integrations.coverage import findings
    from runtime.integrations.loader import folders

    found = [text for folder in ([_folder(vendor)] if vendor else folders()) for text in findings(folder)]
    for text in found:
        typer.echo(text)
    raise typer.Exit(int(bool(found)))


@app.command()
def new(
    vendor: Annotated[str, typer.Argument(help="The vendor's name, such as Acme.")],
    openapi: Annotated[Path, typer.Option("--openapi", help="An OpenAPI 3 document, JSON or YAML.")],
    into: Annotated[
        Path | None, typer.Option("--into", help="The folder to make; by default beside the others.")
    ] = None,
) -> None:
    """Draft a vendor's folder from its OpenAPI document: a descriptor and its parameters, to be finished by hand."""
    from runtime.integrations.draft import DraftError, draft, folder_name
    from runtime.integrations.folder import FOLDER

    try:
        target = into or FOLDER / folder_name(vendor)
    except DraftError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if target.exists():
        typer.echo(f"{target} is there already: name another folder with --into", err=True)
        raise typer.Exit(2)
    try:
        files = draft(vendor, openapi.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DraftError) as error:
        typer.echo(f"{openapi}: {error}", err=True)
        raise typer.Exit(2) from None
    try:
        target.mkdir(parents=True)
        for name, text in files.items():
            (target / name).write_text(text, encoding="utf-8")
            typer.echo(str(target / name))
    except OSError as error:
        typer.echo(f"{target}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo("next: docs/adding-an-integration.md, from step 2 on", err=True)


def _folder(vendor: str) -> str:
    from compiler.suggest import suggestion
    from runtime.integrations.index import types
    from runtime.integrations.loader import folders

    folder = types().get(vendor, vendor)
    if folder not in folders():
        hint = suggestion(vendor, [*folders(), *types()])
        typer.echo(f"there is no integration {vendor!r}; {hint or '`tempor8 integrations list` lists them'}", err=True)
        raise typer.Exit(2)
    return folder
