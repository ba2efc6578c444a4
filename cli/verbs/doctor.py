"""`tempor8 doctor`: what this machine lacks."""

from dataclasses import asdict

import typer

from cli.support.listing import Json, write_list
from cli.support.options import verb

app = verb()


@app.command()
def doctor(json: Json = False) -> None:
    """Try the walls around child processes that run what authors wrote, with this environment's settings, and list them.

    Exit code 0: all stand. 1: one does not, or only in part; its line has the reason. 2: a setting is malformed.
    """
    from runtime.confinement.children import Policy, configure
    from runtime.confinement.walls import check_walls
    from runtime.platform.settings import Settings, SettingsError

    try:
        settings = Settings.load()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    configure(Policy(users=settings.sandbox_users))
    walls = check_walls()
    width = max(len(wall.name) for wall in walls)
    write_list(walls, lambda wall: f"{wall.name:<{width}}  {wall}", asdict, as_json=json)
    raise typer.Exit(int(any(wall.reason for wall in walls)))
