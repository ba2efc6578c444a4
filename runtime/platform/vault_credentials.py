"""Credentials of tenants in a KV v2 engine of Vault."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from runtime.platform.credentials import CredentialMissing, StoredCredential
from runtime.platform.vault_client import VaultClients, VaultPathMissing, VaultRequest, VaultVersionChanged

__all__ = ["VaultCredentials"]

T = TypeVar("T")
ADVICE: Final = "Check VAULT_ADDR, VAULT_MOUNT, the token or role, and its policy for tenants/*/credentials/*."


class VaultCredentials:
    """Vault KV v2 at `<mount>/tenants/<tenant>/credentials/<type>/<name>`.

    Args:
        clients: of Vault.
        mount: path of the KV v2 engine.
    """

    def __init__(self, clients: VaultClients, *, mount: str = "secret") -> None:
        self._clients, self._mount = clients, mount

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """Implement `CredentialStore`."""
        return (await self.read(tenant, type_, name)).data

    async def read(self, tenant: str, type_: str, name: str) -> StoredCredential:
        """Implement `CredentialStore`."""
        try:
            response = await self._call(
                tenant,
                lambda client: client.secrets.kv.v2.read_secret_version(
                    path=_path(tenant, type_, name), mount_point=self._mount, raise_on_deleted_version=True
                ),
            )
        except VaultPathMissing:
            raise CredentialMissing(tenant, type_, name) from None
        return StoredCredential(response["data"]["data"], str(response["data"]["metadata"]["version"]))

    async def replace(self, tenant: str, type_: str, name: str, data: Mapping[str, Any], version: str) -> bool:
        """Implement `CredentialStore`, by the engine's check-and-set."""
        try:
            await self._call(
                tenant,
                lambda client: client.secrets.kv.v2.create_or_update_secret(
                    path=_path(tenant, type_, name), secret=dict(data), cas=int(version), mount_point=self._mount
                ),
            )
        except VaultVersionChanged:
            return False
        return True

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Implement `CredentialStore`."""
        await self._call(
            tenant,
            lambda client: client.secrets.kv.v2.create_or_update_secret(
                path=_path(tenant, type_, name), secret=dict(data), mount_point=self._mount
            ),
        )

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Implement `CredentialStore`."""
        await self.get(tenant, type_, name)
        await self._call(
            tenant,
            lambda client: client.secrets.kv.v2.delete_metadata_and_all_versions(
                path=_path(tenant, type_, name), mount_point=self._mount
            ),
        )

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """Implement `CredentialStore`."""
        root = f"tenants/{_segment(tenant)}/credentials"
        types = [entry.rstrip("/") for entry in await self._keys(tenant, root)]
        paths = [(type_, name) for type_ in types for name in await self._keys(tenant, f"{root}/{type_}")]
        return sorted((_unescaped(type_), _unescaped(name)) for type_, name in paths)

    async def check(self) -> None:
        """Implement `CredentialStore`. With roles of tenants no token can ask more than whether Vault is there and open."""
        if self._clients.per_tenant:
            await asyncio.to_thread(self._clients.check_health)
        else:
            await self.names("health")  # a tenant that need not exist: a list that may be empty is an answer

    async def _keys(self, tenant: str, path: str) -> list[str]:
        try:
            response = await self._call(
                tenant, lambda client: client.secrets.kv.v2.list_secrets(path=path, mount_point=self._mount)
            )
        except VaultPathMissing:
            return []
        keys: list[str] = response["data"]["keys"]
        return keys

    async def _call(self, tenant: str, request: VaultRequest[T]) -> T:
        """Run one request for a tenant in a thread: hvac is synchronous."""
        return await asyncio.to_thread(self._clients.call, tenant, request, ADVICE)


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
