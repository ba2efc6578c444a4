"""Work of a verb on the database of the service. What changes something goes into the audit log."""

import asyncio
import getpass
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

if TYPE_CHECKING:
    from runtime.platform.postgres import Database
    from service.audit import Outcome
    from service.tenants import TenantStore

__all__ = ["NO_TENANT", "Change", "Tenant", "audited", "on_database"]

T = TypeVar("T")

NO_TENANT: Final = "there is no such tenant; make it with: tempor8 tenants create"
Tenant = Annotated[str, typer.Argument(help="Id of the tenant: letters, digits, '_', '.', '-'.")]
"""The argument of verbs that work for one tenant."""


@dataclass(frozen=True)
class Change:
    """What a verb changes, as the audit log says it."""

    tenant: str
    action: str
    """`noun.verb`, the same as of the route that does it."""
    object: str | Callable[[Any], str]
    """Kind and id: `key/...`; where the change gives the id, a function of its result. Of a change that fails it is the kind's name."""
    done: Callable[[Any], bool] = lambda result: result is not False
    """Whether the result of the work says that it was done."""


def on_database(work: "Callable[[Database, TenantStore], Awaitable[T]]", change: Change | None = None) -> T:
    """Run `work` on the configured database, or on the embedded one, and return its result.

    Embedded servers that have a state (of `tempor8 dev` or `tempor8 run`) and are not up are started for the command.

    Args:
        work: what to do.
        change: what it changes; None: it only reads.

    Raises:
        typer.Exit: code 1 when there is no such tenant, 2 when the database cannot be used; the reason is on standard error.
    """
    from psycopg.errors import ForeignKeyViolation

    from runtime.platform.credentials import CredentialsUnavailable
    from runtime.platform.embedded import EmbeddedError, EmbeddedProfile, attached, running
    from runtime.platform.keys import SealError, keyring
    from runtime.platform.postgres import Database, DatabaseUnavailable, UnsafeRole
    from runtime.platform.settings import Settings, SettingsError
    from service.api_keys import NoSuchTenantError
    from service.deletion_store import BeingDeletedError
    from service.resealing import EarlierProcessesError
    from service.tenants import BadTenant, TenantStore

    async def inside() -> T:
        settings = Settings.load()
        folder = settings.state_folder.resolve()
        if settings.database_url is None and (addresses := running(folder)) is not None:
            settings = attached(settings, addresses)
        if settings.database_url is None and not folder.is_dir():
            raise DatabaseUnavailable("no database: set DATABASE_URL, or start the embedded one with `tempor8 dev`")
        if settings.database_url is not None:
            return await on(settings)
        async with EmbeddedProfile(settings, any_ports=True, ui=False) as profile:
            return await on(profile.settings())

    async def on(settings: Settings) -> T:
        assert settings.database_url is not None
        keys = keyring(settings)
        async with Database(settings.database_url.get_secret_value(), size=2, keys=keys) as database:
            doing = work(database, TenantStore(database, keys))
            return await (doing if change is None else audited(database, doing, change))

    try:
        return asyncio.run(inside())
    except (ForeignKeyViolation, NoSuchTenantError):
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1) from None
    except (
        SettingsError,
        SealError,
        DatabaseUnavailable,
        CredentialsUnavailable,
        UnsafeRole,
        BadTenant,
        BeingDeletedError,
        EmbeddedError,
        EarlierProcessesError,
    ) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


async def audited(database: "Database", doing: Awaitable[T], change: Change) -> T:
    """Return the result of a change, with its row in the audit log. Raise what the change raises, and DatabaseUnavailable."""
    from datetime import timedelta

    from runtime.platform.settings import Settings
    from service.audit import ActorKind, AuditLog, AuditRecord, Outcome

    audit = AuditLog(database, timedelta(days=Settings.load().audit_days))

    async def write(outcome: "Outcome", about: str) -> None:
        await audit.write(
            AuditRecord(
                tenant=change.tenant,
                actor_kind=ActorKind.CLI,
                actor=_user(),
                actor_name=socket.gethostname(),
                action=change.action,
                object=about,
                outcome=outcome,
                request_id=str(uuid.uuid4()),
            )
        )

    unknown = change.object if isinstance(change.object, str) else change.action.partition(".")[0]
    try:
        result = await doing
    except Exception:
        await write(Outcome.REFUSED, unknown)
        raise
    done = change.done(result)
    about = change.object(result) if done and not isinstance(change.object, str) else unknown
    await write(Outcome.DONE if done else Outcome.REFUSED, about)
    return result


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return "unknown"
