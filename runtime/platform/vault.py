"""Credentials of tenants: sealed rows in Postgres, or a Vault KV v2 engine.

Only activities call this; what `get` returns never enters history, logs, errors or diagnostics.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, Unauthorized, VaultError

from runtime.platform.keys import Keyring, Purpose
from runtime.platform.payloads import dumps, loads
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings

__all__ = [
    "CredentialMissing",
    "CredentialStore",
    "CredentialsUnavailable",
    "SealedCredentials",
    "VaultCredentials",
    "credential_store",
]

T = TypeVar("T")
TIMEOUT_SECONDS: Final = 10


class CredentialMissing(Exception):
    """The tenant has no credential of this type and name. There is never a fallback to somebody else's key."""

    def __init__(self, tenant: str, type_: str, name: str) -> None:
        super().__init__(
            f"tenant {tenant} has no credential {name!r} of type {type_}. "
            f"Add it with: tempor8 credentials set --tenant {tenant} {type_} {name!r}"
        )
        self.tenant = tenant
        self.type = type_
        self.name = name


class CredentialsUnavailable(Exception):
    """The store does not answer, or refuses us. Try again, or tell an operator; the message says which."""


class CredentialStore(Protocol):
    """What both stores can do. Names are the author's, as in n8n."""

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """The credential's fields. Raises CredentialMissing or CredentialsUnavailable."""

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Write all fields anew. Raises CredentialsUnavailable."""

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Forget it, with all its versions. Raises CredentialMissing or CredentialsUnavailable."""

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """(type, name) of all, sorted; never a value. Raises CredentialsUnavailable."""


class SealedCredentials:
    """The table `credentials`, each row sealed for its tenant."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """See CredentialStore; also SealError when the master key is not the one that sealed it."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select sealed from credentials where tenant_id = %s and type = %s and name = %s", (tenant, type_, name)
            )
            row = await cursor.fetchone()
        if row is None:
            raise CredentialMissing(tenant, type_, name)
        opened: dict[str, Any] = loads(self._keyring.open(tenant, Purpose.CREDENTIAL, row["sealed"]))
        return opened

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """See CredentialStore."""
        sealed = self._keyring.seal(tenant, Purpose.CREDENTIAL, dumps(dict(data)))
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into credentials (tenant_id, type, name, sealed) values (%s, %s, %s, %s)"
                " on conflict (tenant_id, type, name) do update set sealed = excluded.sealed, updated_at = now()",
                (tenant, type_, name, sealed),
            )

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """See CredentialStore."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "delete from credentials where tenant_id = %s and type = %s and name = %s", (tenant, type_, name)
            )
        if cursor.rowcount == 0:
            raise CredentialMissing(tenant, type_, name)

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """See CredentialStore."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute("select type, name from credentials order by type, name")
            return [(row["type"], row["name"]) for row in await cursor.fetchall()]


class VaultCredentials:
    """Vault KV v2 at `<mount>/tenants/<tenant>/credentials/<type>/<name>`.

    Args:
        address: `http(s)://host:port`.
        mount: path of the KV v2 engine.
        token: a token, or
        role: (role id, secret id) of an AppRole, logged in again when its token ends.
        namespace: Vault Enterprise's namespaces.
    """

    def __init__(
        self,
        address: str,
        *,
        mount: str = "secret",
        token: str | None = None,
        role: tuple[str, str] | None = None,
        namespace: str | None = None,
    ) -> None:
        self._address = address
        self._mount = mount
        self._role = role
        self._client = hvac.Client(url=address, token=token, namespace=namespace, timeout=TIMEOUT_SECONDS)

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """See CredentialStore."""
        try:
            answer = await self._call(
                lambda: self._client.secrets.kv.v2.read_secret_version(
                    path=_path(tenant, type_, name), mount_point=self._mount, raise_on_deleted_version=True
                )
            )
        except InvalidPath:
            raise CredentialMissing(tenant, type_, name) from None
        data: dict[str, Any] = answer["data"]["data"]
        return data

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """See CredentialStore."""
        await self._call(
            lambda: self._client.secrets.kv.v2.create_or_update_secret(
                path=_path(tenant, type_, name), secret=dict(data), mount_point=self._mount
            )
        )

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """See CredentialStore."""
        await self.get(tenant, type_, name)
        await self._call(
            lambda: self._client.secrets.kv.v2.delete_metadata_and_all_versions(
                path=_path(tenant, type_, name), mount_point=self._mount
            )
        )

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """See CredentialStore."""
        root = f"tenants/{_segment(tenant)}/credentials"
        types = [entry.rstrip("/") for entry in await self._keys(root)]
        found = [(type_, name) for type_ in types for name in await self._keys(f"{root}/{type_}")]
        return sorted((_plain(type_), _plain(name)) for type_, name in found)

    async def _keys(self, path: str) -> list[str]:
        try:
            answer = await self._call(
                lambda: self._client.secrets.kv.v2.list_secrets(path=path, mount_point=self._mount)
            )
        except InvalidPath:
            return []
        keys: list[str] = answer["data"]["keys"]
        return keys

    async def _call(self, request: Callable[[], T]) -> T:
        """One request on a thread (hvac is synchronous); with an AppRole, a refused token is renewed once."""
        try:
            return await asyncio.to_thread(self._attempt, request)
        except InvalidPath:
            raise
        except (VaultError, requests.RequestException) as error:
            # neither the address' query nor the token is in these names
            raise CredentialsUnavailable(
                f"Vault at {self._address} refused or does not answer ({type(error).__name__}). "
                "Check VAULT_ADDR, the token or AppRole, and its policy for tenants/*/credentials/*."
            ) from None

    def _attempt(self, request: Callable[[], T]) -> T:
        if self._role is None:
            return request()
        if not self._client.token:
            self._login()
            return request()
        try:
            return request()
        except (Forbidden, Unauthorized):
            self._login()
            return request()

    def _login(self) -> None:
        if self._role is not None:
            self._client.auth.approle.login(role_id=self._role[0], secret_id=self._role[1])


def credential_store(settings: Settings, database: Database, keyring: Keyring) -> CredentialStore:
    """Vault when VAULT_ADDR is set, else the sealed table.

    Raises:
        CredentialsUnavailable: VAULT_ADDR without a token or an AppRole.
    """
    if settings.vault_address is None:
        return SealedCredentials(database, keyring)
    token = settings.vault_token.get_secret_value() if settings.vault_token else None
    secret_id = settings.vault_secret_id.get_secret_value() if settings.vault_secret_id else ""
    role = (settings.vault_role_id, secret_id) if settings.vault_role_id else None
    if token is None and role is None:
        raise CredentialsUnavailable("VAULT_ADDR is set: set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, too")
    return VaultCredentials(
        settings.vault_address,
        mount=settings.vault_mount,
        token=token if role is None else None,
        role=role,
        namespace=settings.vault_namespace,
    )


def _path(tenant: str, type_: str, name: str) -> str:
    return f"tenants/{_segment(tenant)}/credentials/{_segment(type_)}/{_segment(name)}"


def _segment(text: str) -> str:
    """One path segment: no name of a credential can climb into another tenant's folder, and each has its own path.

    What a slash, a control character or an outer space would spoil is written as `~` and hexadecimal UTF-8 and `~`.
    """
    if not text:
        raise ValueError("an empty name has no place in Vault")
    inner = "".join(_escaped(c) if c in "/~" or not c.isprintable() else c for c in text)
    trimmed = inner.strip(" ")
    lead, trail = inner[: len(inner) - len(inner.lstrip(" "))], inner[len(inner.rstrip(" ")) :] if trimmed else ""
    dotted = trimmed if trimmed.strip(".") else trimmed.replace(".", _escaped("."))
    return lead.replace(" ", _escaped(" ")) + dotted + trail.replace(" ", _escaped(" "))


def _escaped(character: str) -> str:
    return f"~{character.encode('utf-8', 'surrogatepass').hex()}~"


def _plain(segment: str) -> str:
    """The text of `_segment`."""
    parts = segment.split("~")
    return "".join(
        bytes.fromhex(part).decode("utf-8", "surrogatepass") if place % 2 else part for place, part in enumerate(parts)
    )
