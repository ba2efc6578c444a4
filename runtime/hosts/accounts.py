"""Accounts of credentials: connected by an authorization code, and tried by a small request."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final, Self

from runtime.contract.capabilities import AskForToken
from runtime.hosts.tenant_sender import SendError, TenantSender, egress_clients
from runtime.http.authorization import authorization_url
from runtime.http.credential_hosts import binding
from runtime.http.credential_tests import CredentialTest, credential_test
from runtime.http.credentials import Credential, CredentialError, ReconnectError, TokenKeeper, scheme
from runtime.http.exchange import Redirects, TooManyRedirectsError, UnsupportedRedirectError
from runtime.http.fetch import Wire, fetch
from runtime.http.oauth2 import exchange_code
from runtime.http.oauth2_types import token_of, uses_pkce, with_defaults
from runtime.http.request import Request
from runtime.platform.credentials import CredentialMissing, CredentialStore
from runtime.platform.egress import EgressRefused
from runtime.platform.mail import MailError, check_imap, check_smtp
from runtime.platform.mysql_client import connect_mysql
from runtime.platform.postgres import Database
from runtime.platform.postgres_client import connect_postgres
from runtime.platform.redis_client import connect_redis
from runtime.platform.settings import Settings
from runtime.platform.token_renewals import TokenRefused, TokenRenewals, TokenServerTimeout
from schemas.sql import DatabaseError
from service.account_connector import AccountConnector, AccountError
from service.account_links import Account, challenge_of
from service.tenants import EgressAllowLists

__all__ = ["Accounts"]

_MAIL: Final = {"smtp": check_smtp, "imap": check_imap}
_DATABASES: Final[Mapping[str, Callable[..., AbstractAsyncContextManager[object]]]] = {
    "mySql": partial(connect_mysql, connect_seconds=10.0),
    "postgres": partial(connect_postgres, connect_seconds=10.0),
    "redis": connect_redis,
}
ATTEMPTS: Final = 5
"""How often a token is written that somebody else's change came before."""


class Accounts(AccountConnector):
    """Over a store of credentials and the egress guards of tenants; `close` ends its connections."""

    def __init__(
        self, settings: Settings, store: CredentialStore, allow_lists: EgressAllowLists, renewals: TokenRenewals
    ) -> None:
        self._settings, self._store, self._allow_lists, self._renewals = settings, store, allow_lists, renewals
        self._clients = egress_clients(settings)

    @classmethod
    def of(cls, settings: Settings, database: Database, store: CredentialStore) -> Self:
        """Return those of the settings."""
        renewals = TokenRenewals(database, store, token_of)
        return cls(settings, store, EgressAllowLists(database), renewals)

    async def close(self) -> None:
        """Close every connection, once tokens that are on their way are stored."""
        await self._renewals.close()
        await self._clients.close()

    async def authorization_url(self, account: Account, redirect: str, state: str, verifier: str) -> str:
        """Implement `AccountConnector`."""
        data = await self._fields(account)
        challenge = challenge_of(verifier) if uses_pkce(account.type, data) else ""
        try:
            return authorization_url(account.type, data, redirect, state, challenge)
        except CredentialError as error:
            raise AccountError(str(error)) from error

    async def connect(self, account: Account, redirect: str, code: str, verifier: str) -> None:
        """Implement `AccountConnector`."""
        data = await self._fields(account)
        send = await self._sender(account, data)
        proof = verifier if uses_pkce(account.type, data) else ""
        try:
            token = await exchange_code(send, data, code, redirect, proof)
        except (CredentialError, SendError, ValueError) as error:
            raise AccountError(f"The token server gave no token: {error}") from error
        for _ in range(ATTEMPTS):
            stored = await self._store.read(account.tenant, account.type, account.name)
            fields = {**stored.data, "oauthTokenData": token}
            if await self._store.replace(account.tenant, account.type, account.name, fields, stored.version):
                return
        raise AccountError("The credential is being changed by somebody else. Connect it once more.")

    def is_connectable(self, type_: str) -> bool:
        """Implement `AccountConnector`."""
        return scheme(type_) == "oauth2"

    async def test(self, account: Account, url: str | None = None) -> str:
        """Try a credential by a small request that changes nothing, and return a sentence that says what was tried.

        Args:
            account: the credential.
            url: what to GET, for types that say nothing about their server; None: what is known for the type.

        Raises:
            AccountError: it does not work, or nothing is known by which to try it.
            InfrastructureError: the store does not answer.
        """
        data = await self._fields(account)
        try:
            if url is None and account.type in _MAIL:
                await _MAIL[account.type](await self._allowed(account), data)
                return f"{data.get('host')} let it in"
            if url is None and account.type in _DATABASES:
                async with _DATABASES[account.type](await self._allowed(account), data):
                    return f"{data.get('host')} let it in"
            test = credential_test(account.type, data) if url is None else CredentialTest(Request("GET", url))
            return await self._run(test, account, data)
        except ReconnectError as error:
            command = f"tempor8 credentials connect {account.tenant} {account.type} {account.name!r}"
            raise AccountError(f"{_with_description(error)} Connect it with: {command}") from error
        except (
            CredentialError,
            DatabaseError,
            EgressRefused,
            MailError,
            SendError,
            ValueError,
            TooManyRedirectsError,
            UnsupportedRedirectError,
        ) as error:
            raise AccountError(_with_description(error)) from error

    async def _run(self, test: CredentialTest, account: Account, data: dict[str, Any]) -> str:
        send = await self._sender(account, data, constants=(test.host,))
        wire = Wire(send, lambda: secrets.token_hex(16), time.time() * 1000)
        credential = Credential(account.type, {**data, **test.fields}, _Keeper(self._renewals, account))
        answer, _ = await fetch(wire, test.request, credential, Redirects(3, keep_authorization=False))
        test.check(answer.status, answer.body)
        return f"{test.request.method} {test.host} answered {answer.status}"

    async def _allowed(self, account: Account) -> tuple[str, ...]:
        return (*self._settings.egress_allow, *await self._allow_lists.get(account.tenant))

    async def _fields(self, account: Account) -> dict[str, Any]:
        try:
            stored = await self._store.get(account.tenant, account.type, account.name)
        except CredentialMissing as error:
            raise AccountError(str(error)) from error
        return with_defaults(account.type, stored)

    async def _sender(self, account: Account, data: Mapping[str, Any], constants: tuple[str, ...] = ()) -> TenantSender:
        allow = await self._allow_lists.get(account.tenant)
        bound = binding(account.tenant, account.type, account.name, data, constants)
        return TenantSender(self._clients, account.tenant, allow, bound)


class _Keeper(TokenKeeper):
    """Keeps a renewed token, as a run does."""

    def __init__(self, renewals: TokenRenewals, account: Account) -> None:
        self._renewals, self._account = renewals, account

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """Through the renewals of the service."""
        key = self._account.tenant, type_, self._account.name

        async def asked(stored: Mapping[str, Any]) -> dict[str, Any]:
            return await ask(with_defaults(type_, stored))

        try:
            return token_of(await self._renewals.renew(key, token_of(data).get("access_token"), asked))
        except (TokenRefused, TokenServerTimeout) as error:
            raise CredentialError(str(error)) from error

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """Asked for every time: whether it is given out is the question."""
        del key
        return (await ask())[0]


def _with_description(error: Exception) -> str:
    description = getattr(error, "description", None) or getattr(error, "hint", None)
    return f"{error}: {description}" if description and description != str(error) else str(error)
