"""Errors that mean that a server is away: wait and try again, whatever it is that is tried."""

from typing import Final

import psycopg
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.temporal import TemporalUnavailable

__all__ = ["is_outage"]

RPC_OUTAGES: Final = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.PERMISSION_DENIED,
)
LARGER: Final = "larger than max"
"""In the message of a call whose own answer is too large, which is no outage."""
SQL_OUTAGES: Final = ("08", "40", "53", "55", "57", "58", "XX")
"""Prefixes of SQLSTATE: connection, rolled back, resources, lock, operator, system, internal."""
CONNECT: Final = "connect"
"""In the message of the RuntimeError of a client that is not connected yet."""


def is_outage(error: BaseException) -> bool:
    """Return whether an error says that Temporal, Postgres, Vault or the bucket is away, and nothing about what was asked."""
    if isinstance(error, RPCError):
        return error.status in RPC_OUTAGES and LARGER not in error.message
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        return state.startswith(SQL_OUTAGES) if state else isinstance(error, psycopg.OperationalError)
    if isinstance(error, RuntimeError) and type(error) is RuntimeError:
        return CONNECT in str(error).lower()
    return isinstance(error, DatabaseUnavailable | CredentialsUnavailable | TemporalUnavailable | ConnectionError)
