"""API keys: what they look like, what they may do, and what is known of one without its secret."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

__all__ = [
    "ALL_SCOPES",
    "COLUMNS",
    "TENANT_ID",
    "ApiKey",
    "IssuedKey",
    "KeyExpiredError",
    "KeyReplacedError",
    "KeyScope",
    "NoSuchTenantError",
    "api_key_of",
    "scopes_of",
    "tenant_of_key",
]

TENANT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
KEY: Final = re.compile(rf"t8_({TENANT_ID.pattern})_([0-9a-f]{{48}})")
COLUMNS: Final = "id, name, created_at, expires_at, revoked_at, scopes, last_used_at, replaced_by"
"""The columns of `api_keys` that `api_key_of` reads."""


class KeyScope(StrEnum):
    """What a key or token may do. None of them includes another."""

    READ = "read"
    """See runs, templates and figures."""
    RUN = "run"
    """Start, cancel and retry runs."""
    PUBLISH = "publish"
    """Publish, activate, check and delete templates."""
    ADMIN = "admin"
    """Issue, rotate and revoke keys, read the audit log, and connect accounts of credentials."""


ALL_SCOPES: Final = frozenset(KeyScope)


class NoSuchTenantError(Exception):
    """There is no tenant of that id."""


class KeyReplacedError(Exception):
    """The key was rotated before; the one that took its place is to be rotated instead."""


class KeyExpiredError(Exception):
    """The key is revoked or expired, so there is nothing to rotate."""


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret."""

    id: str
    tenant: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    scopes: frozenset[KeyScope] = ALL_SCOPES
    last_used_at: datetime | None = None
    """Up to a minute behind."""
    replaced_by: str | None = None
    """Id of the key that a rotation issued."""


@dataclass(frozen=True)
class IssuedKey:
    """A new key with its secret, which is known at this moment only."""

    secret: str
    key: ApiKey


def tenant_of_key(key: str) -> str | None:
    """Return the tenant that a key claims; None when it is not of this form. The claim proves nothing before `verify`."""
    match = KEY.fullmatch(key)
    return match[1] if match else None


def scopes_of(words: Collection[str]) -> frozenset[KeyScope]:
    """Return the scopes among `words`; what else an identity provider or a later version put there is left out."""
    return frozenset(scope for scope in KeyScope if scope.value in words)


def api_key_of(tenant: str, row: dict[str, Any]) -> ApiKey:
    """Return the key of a row with `COLUMNS`."""
    replaced_by = row["replaced_by"]
    return ApiKey(
        str(row["id"]), tenant, row["name"], row["created_at"], row["expires_at"], row["revoked_at"],
        scopes_of(row["scopes"]), row["last_used_at"], str(replaced_by) if replaced_by else None,
    )  # fmt: skip
