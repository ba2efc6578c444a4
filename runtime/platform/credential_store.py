"""Choose the credential store that the settings name."""

from runtime.platform.credentials import CredentialStore, CredentialsUnavailable
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.settings import Settings

__all__ = ["credential_store"]


def credential_store(settings: Settings, database: Database, keyring: Keyring) -> CredentialStore:
    """Return the store in Vault when VAULT_ADDR is set, else the one in the sealed table.

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
    from runtime.platform.vault import VaultCredentials  # noqa: PLC0415  # its HTTP client takes 8 MB

    return VaultCredentials(
        settings.vault_address,
        mount=settings.vault_mount,
        token=token if role is None else None,
        role=role,
        namespace=settings.vault_namespace,
    )
