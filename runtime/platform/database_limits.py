"""Bounds of what a step may read from a database of its tenant's, whatever the server does."""

from typing import Final

__all__ = [
    "MAX_BYTES",
    "MAX_RESULTS",
    "MAX_ROWS",
    "PAGE_ROWS",
    "QUERY_SECONDS",
    "too_long",
    "too_many_bytes",
    "too_many_results",
    "too_many_rows",
]

from schemas.sql import DatabaseError

QUERY_SECONDS: Final = 300.0
"""Seconds for a text of statements, its result included: as long as an HTTP request of a node may take."""
MAX_ROWS: Final = 100_000
"""Rows that a text of statements may give: an activity may not return more items."""
MAX_RESULTS: Final = 100_000
"""Results of statements that a text may give: one statement for each item of a step. A result without rows takes 13 bytes on the wire
and a hundred times as much in memory.
"""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes that a server may send as the answer to a text of statements."""
PAGE_ROWS: Final = 500
"""Rows that are fetched at a time, so that what is too much is known before it is in memory."""


def too_many_rows() -> DatabaseError:
    """Return the error for a result with too many rows."""
    return DatabaseError(
        f"The result has more than {MAX_ROWS:,} rows", hint="Add a LIMIT to the query and read the rows in pages"
    )


def too_many_results() -> DatabaseError:
    """Return the error for a text with too many results."""
    return DatabaseError(
        f"The query gives more than {MAX_RESULTS:,} results", hint="Use fewer statements, each for several rows"
    )


def too_many_bytes() -> DatabaseError:
    """Return the error for a result with too many bytes."""
    return DatabaseError(
        f"The result has more than {MAX_BYTES // 1024**2} MB", hint="Select fewer columns, or read the rows in pages"
    )


def too_long() -> DatabaseError:
    """Return the error for a query that does not end in time."""
    return DatabaseError(
        f"The query was cancelled after {QUERY_SECONDS:.0f} seconds", hint="Make it faster, or split the work"
    )
