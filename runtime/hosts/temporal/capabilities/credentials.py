"""Credentials from the tenant's store."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from runtime.contract import MissingCredential
from runtime.contract.capabilities import AskForToken, Credentials
from runtime.contract.errors import require_credential
from runtime.hosts.temporal.resources import WorkerResources
from runtime.http.credential_hosts import Binding, binding
from runtime.http.credentials import CredentialError, ReconnectError
from runtime.http.oauth2 import REVOKED
from runtime.http.oauth2_types import token_of, with_defaults
from runtime.platform.credentials import CredentialMissing
from runtime.platform.token_renewals import TokenRefused, TokenServerTimeout
from schemas.hosts import literal_hosts
from schemas.task import Task
from service.account_links import Account, open_link


class WorkerCredentials(Credentials):
    """The credentials that the task's step names."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._store, self._task = resources, resources.credentials, task
        self._opened, self._uses = resources.opened, resources.uses
        self._bindings: dict[tuple[str, bool], tuple[Mapping[str, Any], Binding]] = {}
        """By type and restriction: the fields of which it was made, which a refreshed token changes, and the binding."""

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """The same for all items."""
        del item
        step, meta, name = self._task["step"], self._task["meta"], self._name(type_)
        try:
            data = with_defaults(type_, await self._store.get(meta["tenant"], type_, name))
        except CredentialMissing as error:
            raise MissingCredential(str(error)) from error
        self._uses.note(meta["tenant"], type_, name, meta["execution_id"], step["name"])
        self._opened[type_] = self._binding(type_, name, data, restricted=restricted)
        return data

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """One step asks, on whatever worker it is, and what it gets is stored before anybody uses it."""
        account = Account(self._task["meta"]["tenant"], type_, self._name(type_))

        async def asked(stored: Mapping[str, Any]) -> dict[str, Any]:
            return await ask(with_defaults(type_, stored))

        key, refused = (account.tenant, type_, account.name), token_of(data).get("access_token")
        try:
            return token_of(await self._resources.renewals.renew(key, refused, asked))
        except ReconnectError as error:
            raise ReconnectError(str(error), self._reconnect(account, error.description)) from error
        except TokenRefused as error:
            message = f'The credential "{type_}" needs to be reconnected.'
            raise ReconnectError(message, self._reconnect(account, REVOKED)) from error
        except TokenServerTimeout as error:
            raise CredentialError(str(error)) from error
        except CredentialMissing as error:
            raise MissingCredential(str(error)) from error

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """In this worker's memory, for as long as it is valid."""
        return await self._resources.tokens.get(self._task["meta"]["tenant"], key, ask)

    def _name(self, type_: str) -> str:
        """Return the author's name for the step's credential of this type. Raise MissingCredential."""
        step = self._task["step"]
        require_credential(step, type_)
        reference = step["credentials"][type_]
        return str(reference.get("name") or reference.get("id") or "")

    def _reconnect(self, account: Account, description: str | None) -> str:
        """Return a description with the link by which the account is connected again, which holds nothing secret."""
        link = open_link(self._resources.settings, account)
        command = f"tempor8 credentials connect {account.tenant} {account.type} {account.name!r}"
        return f"{description or 'Its account has to be connected.'} Connect {account.name!r} at {link}, or with: {command}"

    def _binding(self, type_: str, name: str, data: Mapping[str, Any], *, restricted: bool) -> Binding:
        """Where it may go: looked for once, not for each item. Plans of earlier versions have no hosts: the constants of the step
        itself count in any case.
        """
        made_of, made = self._bindings.get((type_, restricted), (None, None))
        if made is not None and made_of == data:
            return made
        step = self._task["step"]
        constants = (*(step["credentials"][type_].get("hosts") or ()), *literal_hosts(step.get("parameters") or {}))
        made = binding(self._task["meta"]["tenant"], type_, name, data, constants, restricted=restricted)
        self._bindings[type_, restricted] = data, made
        return made


def provide(resources: WorkerResources, task: Task) -> WorkerCredentials:
    """Return the credentials of a task."""
    return WorkerCredentials(resources, task)
