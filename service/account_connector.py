"""What connects accounts to credentials, for the API and the command line; `runtime.hosts.accounts` has it."""

from typing import Protocol

from service.account_links import Account

__all__ = ["AccountConnector", "AccountError"]


class AccountError(Exception):
    """An account cannot be connected. The message says why, what to do, and nothing secret."""


class AccountConnector(Protocol):
    """The two halves of the authorization code grant (RFC 6749, section 4.1)."""

    async def authorization_url(self, account: Account, redirect: str, state: str, verifier: str) -> str:
        """Return where the owner allows the use of the account.

        Args:
            account: the credential.
            redirect: where the authorization server sends the browser back to.
            state: comes back with it.
            verifier: code verifier (RFC 7636) of the browser.

        Raises:
            AccountError: the credential is not there, has no account, or lacks a field.
            InfrastructureError: the store does not answer.
        """

    async def connect(self, account: Account, redirect: str, code: str, verifier: str) -> None:
        """Get tokens for a code, and keep them in the credential. Arguments and errors as above."""

    def is_connectable(self, type_: str) -> bool:
        """Return whether credentials of this type have an account to connect."""

    async def test(self, account: Account, url: str | None = None) -> str:
        """Try a credential by a small request that changes nothing, and return what came of it.

        Args:
            account: the credential.
            url: GET this address, for types that do not say which server they are for.

        Raises:
            AccountError: it does not work, or cannot be tried; the message has nothing secret.
            InfrastructureError: the store does not answer.
        """
