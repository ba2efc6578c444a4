"""The transit engine of Vault, which wraps the data keys of tenants."""

import base64

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.vault_client import VaultClients, VaultPathMissing

__all__ = ["VaultTransit"]


class VaultTransit:
    """Vault's transit engine as key-encryption key; see `runtime.platform.key_encryption.KeyEncryption`.

    Args:
        clients: of Vault. Where each tenant has a role, a tenant's keys are wrapped and unwrapped with its role's token.
        key: name of the key in the engine, of an AEAD type (aes256-gcm96, chacha20-poly1305).
        mount: path of the engine.
    """

    def __init__(self, clients: VaultClients, key: str, *, mount: str = "transit") -> None:
        self._clients, self._key, self._mount = clients, key, mount

    def wrap(self, tenant: str, version: int, key: bytes) -> bytes:
        """Return a data key as Vault encrypted it, bound to its tenant and version. Raises CredentialsUnavailable."""
        text = base64.b64encode(key).decode()
        return self._call("encrypt", "ciphertext", tenant, version, text).encode()

    def unwrap(self, tenant: str, version: int, wrapped: bytes) -> bytes:
        """Return the data key of bytes from `wrap`. Raises CredentialsUnavailable: Vault does not answer, or refuses."""
        return base64.b64decode(self._call("decrypt", "plaintext", tenant, version, wrapped.decode()))

    def _call(self, verb: str, field: str, tenant: str, version: int, text: str) -> str:
        advice = (
            f"Check VAULT_ADDR, the token or role, its policy for {self._mount}/encrypt/{self._key} and "
            f"{self._mount}/decrypt/{self._key}, and that the key is there."
        )
        bound = base64.b64encode(f"{tenant}/{version}".encode()).decode()
        try:
            answer = self._clients.call(
                tenant,
                lambda client: getattr(client.secrets.transit, f"{verb}_data")(
                    self._key, text, associated_data=bound, mount_point=self._mount
                ),
                advice,
            )
        except VaultPathMissing:
            raise CredentialsUnavailable(f"Vault has no transit engine or key at that path. {advice}") from None
        return str(answer["data"][field])
