"""Work of a verb on the accounts of credentials."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

import typer

from cli.support.account_listener import listening
from cli.support.database import Change, on_database
from service.account_connector import AccountError
from service.account_links import STATE_SECONDS, Account, AccountLinks, new_verifier

if TYPE_CHECKING:
    from runtime.hosts.accounts import Accounts
    from runtime.platform.postgres import Database
    from service.tenants import TenantStore

__all__ = ["connect_here", "link_of", "on_accounts"]

T = TypeVar("T")
NO_STATE: Final = "-"
"""Of an address that nobody opens: whether it can be made is the question."""


def on_accounts(work: "Callable[[Accounts, AccountLinks], Awaitable[T]]", change: Change | None = None) -> T:
    """Run `work` on the accounts of the configured store; `change` as for `on_database`.

    Raises:
        typer.Exit: code 1 when an account cannot be connected or used, and as `on_database`.
    """
    from runtime.hosts.accounts import Accounts
    from runtime.platform.credential_store import credential_store
    from runtime.platform.keys import keyring
    from runtime.platform.settings import Settings

    async def inside(database: "Database", _: "TenantStore") -> T:
        settings = Settings.load()
        keys = keyring(settings)
        accounts = Accounts.of(settings, database, credential_store(settings, database, keys))
        try:
            return await work(accounts, AccountLinks.of_settings(settings, keys))
        finally:
            await accounts.close()

    try:
        return on_database(inside, change)
    except AccountError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


async def link_of(accounts: "Accounts", links: AccountLinks, account: Account) -> str:
    """Return a link to the API's page for an account that can be connected; say the redirect URI on standard error."""
    await accounts.authorization_url(account, links.callback, NO_STATE, new_verifier())
    typer.echo(f"redirect URI of the app at the vendor: {links.callback}\nopen within an hour:", err=True)
    return links.link(account)


async def connect_here(accounts: "Accounts", links: AccountLinks, account: Account, port: int) -> None:
    """Connect an account with a listener on 127.0.0.1. Raise AccountError."""
    verifier = new_verifier()
    state = links.state(account, verifier)
    try:
        async with listening(port, state) as listener:
            url = await accounts.authorization_url(account, listener.redirect, state, verifier)
            typer.echo(f"redirect URI of the app at the vendor: {listener.redirect}\nopen:\n{url}", err=True)
            try:
                code, error = await listener.code(STATE_SECONDS)
            except TimeoutError:
                raise AccountError("Nobody came back from the vendor in time. Run the command again.") from None
            if error:
                raise AccountError(f"The vendor answered: {error[:64]!r}")
            await accounts.connect(account, listener.redirect, code, verifier)
    except OSError as error:
        raise AccountError(f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}") from error
