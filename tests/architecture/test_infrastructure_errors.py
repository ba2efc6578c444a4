"""Which exceptions of the ground and of the service fail an attempt, which Temporal repeats, and which are a step's error."""

import importlib
import inspect
import pkgutil
from typing import Final

import psycopg
import pytest
from temporalio.service import RPCError, RPCStatusCode

import runtime.platform
import service
from runtime.hosts.temporal.faults import is_fault
from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.jwks import JwksUnavailable
from runtime.platform.keys import SealError
from runtime.platform.plan_cache import PlanMissing
from runtime.platform.postgres import DatabaseUnavailable, StatementTimeout
from runtime.platform.storage.objects import PayloadStoreUnavailable
from runtime.platform.temporal import TemporalUnavailable
from runtime.platform.token_renewals import RenewalTimeout
from schemas.errors import InfrastructureError

INFRASTRUCTURE: Final = {
    DatabaseUnavailable, StatementTimeout, PayloadStoreUnavailable, CredentialsUnavailable, SealError, TemporalUnavailable,
    PlanMissing, JwksUnavailable, RenewalTimeout,
}  # fmt: skip
"""A server is away, or the worker lacks a key: waited for without end."""

OTHERS: Final = {
    "CompileLimit": "an upload: 422",
    "CompilerCrash": "an upload: 500",
    "NoSuchTenantError": "a request or a verb: 404, exit 1",
    "KeyReplacedError": "a request or a verb: 409, exit 1",
    "KeyExpiredError": "a request or a verb: 409, exit 1",
    "UnsafeRole": "at the start of a process",
    "SettingsError": "at the start of a process",
    "MigrationError": "at the start of a process",
    "EmbeddedError": "at the start of a process",
    "PortTaken": "at the start of a process",
    "EmbeddedBusy": "at the start of a process",
    "LocalModelError": "at the start of a process",
    "PromotionRefusedError": "at the start of a process",
    "CommandError": "the author's command, or a worker that may not run one: a capability makes it a NodeError",
    "MailError": "the author's mail server: a capability makes it a NodeError",
    "SshError": "the author's server: a capability makes it a NodeError",
    "MqttError": "the author's broker: a capability makes it a NodeError",
    "ConnectError": "a server that a tenant names: its client makes it an error of its own",
    "EgressRefused": "the author's address: a capability makes it a NodeError",
    "CertificateError": "the author's client certificate: a capability makes it a NodeError",
    "N8nCipherError": "an import on the command line says it",
    "TokenRefused": "the account has to be connected again: a capability makes it a NodeError",
    "TokenServerTimeout": "the vendor's server: a capability makes it a NodeError",
    "BadAccountLink": "a page says it",
    "AccountError": "a page or a verb says it: exit 1",
    "OidcError": "a page says it: the sign-in is begun once more",
    "CredentialMissing": "the tenant's: a capability makes it a NodeError",
    "BlobMissing": "data that is gone does not come back",
    "BlobTooLarge": "the same step makes the same bytes again",
    "WebhookConflict": "an answer of the API",
    "TooManyDocumentsError": "the author's store: a capability makes it a NodeError",
    "ServiceError": "an answer of the API",
    "IdempotencyKeyReusedError": "an answer of the API",
    "NotStartableError": "an answer of the API",
    "InputRefusedError": "an answer of the API",
    "BeingDeletedError": "an answer of the API",
    "ForeignScheduleError": "the scheduler sets the row aside",
    "NotRetriableError": "an answer of the API",
    "ReplyPendingError": "an answer of the API",
    "TenantBusy": "an answer of the API: the pool of reports",
    "VersionGoneError": "an answer of the API",
    "BadVariable": "an answer of the API",
    "BadCursor": "an answer of the API",
    "BadTenant": "an answer of the API",
    "EarlierProcessesError": "a verb: exit 2",
    "VaultVersionChanged": "the store of credentials answers that somebody else wrote meanwhile",
    "VaultPathMissing": "the store of credentials makes it a CredentialMissing, or says what is wrong with Vault",
    "LockLost": "the projector stops, and begins again",
}
"""All other exceptions of these packages, with what they are."""


def _exceptions() -> set[type[Exception]]:
    found = set()
    for package in (runtime.platform, service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(each, Exception) and each.__module__.startswith(package.__name__):
                    found.add(each)
    return found


def test_each_exception_of_the_ground_is_decided_on() -> None:
    """A new one is either of a server that is away, or named here with what it is."""
    found = _exceptions()
    assert {each for each in found if issubclass(each, InfrastructureError)} == INFRASTRUCTURE
    assert {each.__name__ for each in found - INFRASTRUCTURE} == OTHERS.keys()


FAULTS: Final[list[tuple[Exception, bool]]] = [
    (DatabaseUnavailable("away"), True),
    (SealError("no key"), True),
    (RPCError("away", RPCStatusCode.UNAVAILABLE, b""), True),
    (psycopg.errors.DeadlockDetected("both"), True),
    (psycopg.errors.QueryCanceled("statement timeout"), True),
    (psycopg.errors.UndefinedTable("not migrated yet"), True),
    (psycopg.errors.UntranslatableCharacter("\\u0000 cannot be converted to text"), False),
    (psycopg.DataError("NUL"), False),
    (OSError(24, "Too many open files"), True),
    (OSError(2, "No such file or directory"), False),
    (ValueError("no"), False),
    (RecursionError("deep"), False),
]


@pytest.mark.parametrize(("error", "expected"), FAULTS, ids=lambda value: repr(value)[:40])
def test_what_is_repeated_without_end(error: Exception, expected: bool) -> None:
    assert is_fault(error) is expected
