"""Work of a verb on the database of the service."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

if TYPE_CHECKING:
    from runtime.platform.postgres import Database
    from service.tenants import TenantStore

__all__ = ["NO_TENANT", "Tenant", "on_database"]

T = TypeVar("T")

NO_TENANT: Final = "there is no such tenant; make it with: tempor8 tenants create"
Tenant = Annotated[str, typer.Argument(help="Id of the tenant: letters, digits, '_', '.', '-'.")]
"""The argument of verbs that work for one tenant."""


def on_database(work: "Callable[[Database, TenantStore], Awaitable[T]]") -> T:
    """Run `work` on the configured database, or on that of the embedded servers that are up, and return its result.

    Raises:
        typer.Exit: code 1 when there is no such tenant, 2 when the database cannot be used; the reason is on standard error.
    """
    from psycopg.errors import ForeignKeyViolation

    from runtime.platform.embedded import attached, running
    from runtime.platform.keys import SealError, keyring
    from runtime.platform.postgres import Database, DatabaseUnavailable, UnsafeRole
    from runtime.platform.settings import Settings, SettingsError
    from service.tenants import BadTenant, TenantStore

    async def inside() -> T:
        settings = Settings.load()
        if settings.database_url is None and (addresses := running(settings.state_folder.resolve())) is not None:
            settings = attached(settings, addresses)
        if settings.database_url is None:
            raise DatabaseUnavailable("no database: set DATABASE_URL, or start the embedded one with `tempor8 dev`")
        async with Database(settings.database_url.get_secret_value(), size=2) as database:
            return await work(database, TenantStore(database, keyring(settings)))

    try:
        return asyncio.run(inside())
    except ForeignKeyViolation:
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1) from None
    except (SettingsError, SealError, DatabaseUnavailable, UnsafeRole, BadTenant) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
