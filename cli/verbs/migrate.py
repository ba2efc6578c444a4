"""`tempor8 migrate`: bring the database up to date."""

import typer

from cli.support.options import verb

app = verb()


@app.command()
def migrate() -> None:
    """Apply the migrations that the database does not have, as its owner (DATABASE_ADMIN_URL), and create the login of
    DATABASE_URL.
    Safe to run again, and from several places at once. The embedded database is migrated when it starts.

    Exit code 0: it is up to date. 1: its migrations are not those of this version. 2: a setting is missing, or Postgres does not
    answer.
    """
    from runtime.platform.migrate import MigrationError
    from runtime.platform.migrate import migrate as apply
    from runtime.platform.postgres import DatabaseUnavailable
    from runtime.platform.settings import Settings, SettingsError

    try:
        settings = Settings.load()
        admin, url = settings.database_admin_url, settings.database_url
        if admin is None:
            typer.echo("set DATABASE_ADMIN_URL to the address of a role that may create tables and roles", err=True)
            raise typer.Exit(2)
        applied = apply(admin.get_secret_value(), url.get_secret_value() if url else None)
    except MigrationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (SettingsError, DatabaseUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for each in applied:
        typer.echo(f"applied {each.number:04}_{each.name}")
    typer.echo("the database is up to date")
