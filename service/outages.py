"""Errors that mean that a server is away: wait and try again, whatever it is that is tried."""

from typing import Final

import psycopg
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.temporal import TemporalUnavailable

__all__ = ["TRANSIENT", "is_outage", "is_unreachable"]

TRANSIENT: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,  # a connection that broke in the middle of a call has this status, too
    }
)
"""Statuses of Temporal that say nothing against the request: another attempt may succeed."""
RPC_OUTAGES: Final = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.ABORTED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.PERMISSION_DENIED,
)
BROKEN_CONNECTION: Final = ("transport error", "h2 protocol error", "connection", "broken pipe")
"""In the message of an UNKNOWN or INTERNAL status that the client itself gives: the server, or what is between, broke off the
connection in the middle of a call. Neither status says anything about the call then.
"""
LARGER: Final = "larger than max"
"""In the message of a call whose own answer is too large, which is no outage."""
SQL_OUTAGES: Final = ("08", "40", "53", "55", "57", "58", "XX")
"""Prefixes of SQLSTATE: connection, rolled back, resources, lock, operator, system, internal."""
CONNECT: Final = "connect"
"""In the message of the RuntimeError of a client that is not connected yet."""


def is_outage(error: BaseException) -> bool:
    """Return whether an error says that Temporal, Postgres, Vault or the bucket is away, and nothing about what was asked."""
    if isinstance(error, RPCError):
        return (error.status in RPC_OUTAGES and LARGER not in error.message) or is_unreachable(error)
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        return state.startswith(SQL_OUTAGES) if state else isinstance(error, psycopg.OperationalError)
    if isinstance(error, RuntimeError) and type(error) is RuntimeError:
        return CONNECT in str(error).lower()
    return isinstance(error, DatabaseUnavailable | CredentialsUnavailable | TemporalUnavailable | ConnectionError)


def is_unreachable(error: RPCError) -> bool:
    """Return whether a call did not reach Temporal, or its answer did not arrive: it was not too slow, and it was not refused."""
    if error.status in (RPCStatusCode.UNKNOWN, RPCStatusCode.INTERNAL):
        return any(mark in error.message.lower() for mark in BROKEN_CONNECTION)
    return error.status is RPCStatusCode.UNAVAILABLE
