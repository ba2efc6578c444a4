"""Credentials of tenants in a Vault KV v2 engine, through hvac."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, Unauthorized, VaultError

from runtime.platform.credentials import CredentialMissing, CredentialsUnavailable

__all__ = ["VaultCredentials"]

T = TypeVar("T")
TIMEOUT_SECONDS: Final = 10


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
        """Implement `CredentialStore`."""
        try:
            response = await self._call(
                lambda: self._client.secrets.kv.v2.read_secret_version(
                    path=_path(tenant, type_, name), mount_point=self._mount, raise_on_deleted_version=True
                )
            )
        except InvalidPath:
            raise CredentialMissing(tenant, type_, name) from None
        data: dict[str, Any] = response["data"]["data"]
        return data

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Implement `CredentialStore`."""
        await self._call(
            lambda: self._client.secrets.kv.v2.create_or_update_secret(
                path=_path(tenant, type_, name), secret=dict(data), mount_point=self._mount
            )
        )

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Implement `CredentialStore`."""
        await self.get(tenant, type_, name)
        await self._call(
            lambda: self._client.secrets.kv.v2.delete_metadata_and_all_versions(
                path=_path(tenant, type_, name), mount_point=self._mount
            )
        )

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """Implement `CredentialStore`."""
        root = f"tenants/{_segment(tenant)}/credentials"
        types = [entry.rstrip("/") for entry in await self._keys(root)]
        paths = [(type_, name) for type_ in types for name in await self._keys(f"{root}/{type_}")]
        return sorted((_unescaped(type_), _unescaped(name)) for type_, name in paths)

    async def _keys(self, path: str) -> list[str]:
        try:
            response = await self._call(
                lambda: self._client.secrets.kv.v2.list_secrets(path=path, mount_point=self._mount)
            )
        except InvalidPath:
            return []
        keys: list[str] = response["data"]["keys"]
        return keys

    async def _call(self, request: Callable[[], T]) -> T:
        """Run one request in a thread (hvac is synchronous); with an AppRole, a refused token is renewed once."""
        try:
            return await asyncio.to_thread(self._attempt, request)
        except InvalidPath:
            raise
        except (VaultError, requests.RequestException) as error:
            # the error's text may have the address with its query, or the token; its type has neither
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


def _path(tenant: str, type_: str, name: str) -> str:
    return f"tenants/{_segment(tenant)}/credentials/{_segment(type_)}/{_segment(name)}"


def _segment(text: str) -> str:
    """Return a text as one path segment: no name can lead into another tenant's folder, and each has a path of its own.

    Slashes, control characters and outer spaces are written as `~`, hexadecimal UTF-8, `~`.
    """
    if not text:
        raise ValueError("a credential in Vault needs a name that is not empty")
    inner = "".join(_escaped(c) if c in "/~" or not c.isprintable() else c for c in text)
    trimmed = inner.strip(" ")
    lead, trail = inner[: len(inner) - len(inner.lstrip(" "))], inner[len(inner.rstrip(" ")) :] if trimmed else ""
    dotted = trimmed if trimmed.strip(".") else trimmed.replace(".", _escaped("."))
    return lead.replace(" ", _escaped(" ")) + dotted + trail.replace(" ", _escaped(" "))


def _escaped(character: str) -> str:
    return f"~{character.encode('utf-8', 'surrogatepass').hex()}~"


def _unescaped(segment: str) -> str:
    """Return the text that `_segment` encodes."""
    parts = segment.split("~")
    return "".join(
        bytes.fromhex(part).decode("utf-8", "surrogatepass") if place % 2 else part for place, part in enumerate(parts)
    )
