"""Choose the credential store that the settings name."""

from runtime.platform.credentials import CredentialStore
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.settings import Settings

__all__ = ["credential_store"]


def credential_store(settings: Settings, database: Database, keyring: Keyring) -> CredentialStore:
    """Return the store in Vault when VAULT_ADDR is set, else the one in the sealed table.

    Raises:
        CredentialsUnavailable: VAULT_ADDR without a way to log in, or with several.
    """
    if settings.vault_address is None:
        return SealedCredentials(database, keyring)
    from runtime.platform.vault_client import vault_clients  # noqa: PLC0415  # its HTTP client takes 8 MB
    from runtime.platform.vault_credentials import VaultCredentials  # noqa: PLC0415  # see above

    return VaultCredentials(vault_clients(settings), mount=settings.vault_mount)
